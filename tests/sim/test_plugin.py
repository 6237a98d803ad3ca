"""The pytest plugin, as a project that knows nothing of ours meets it: another folder, and no configuration."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest_plugins = ["pytester"]

GOOD = """
    import os
    import subprocess
    import sys
    from pathlib import Path
    from types import SimpleNamespace

    import pytest

    from coldshare.device.address import Address
    from coldshare.device.token import TokenClient
    from coldshare.device.transport import open_transport
    from coldshare.handling import SeveralSharesError, process
    from coldshare_iface import wire
    from coldshare_iface.errors import BurntError, PinWrongError, RejectedError, PersonTimeoutError
    from coldshare_sim.testing import HOLD, NO, YES


    def test_ready(coldshare_token, coldshare_home, coldshare_person):
        assert coldshare_token.info.state == wire.TOKEN_READY
        assert coldshare_token.backups() == []
        assert os.environ["COLDSHARE_HOME"] == str(coldshare_home)
        assert coldshare_person.questions == []


    @pytest.mark.coldshare(pin="123456", label="Safe B")
    def test_pin_and_label(coldshare_token, coldshare_pin):
        assert coldshare_pin == "123456"
        assert coldshare_token.unlock("123456") == "Safe B"
        with pytest.raises(PinWrongError):
            coldshare_token.unlock("4839")


    @pytest.mark.coldshare(state="new")
    def test_new(coldshare_token, coldshare_person, coldshare_store):
        assert coldshare_token.info.state == wire.TOKEN_NEW

        def script():
            screen = yield
            assert "Pair with" in screen.text
            yield YES
            screen = yield
            assert "Set up" in screen.text or "Safe" in screen.text
            yield YES

        with coldshare_person.follow(script):
            coldshare_token.pair(coldshare_store, lambda code: True)
            coldshare_token.connect(coldshare_store)
            coldshare_token.set_up("4839", "Safe")


    @pytest.mark.coldshare(state="burnt")
    def test_burnt(coldshare_token, coldshare_store):
        assert coldshare_token.info.state == wire.TOKEN_BURNT
        with pytest.raises(BurntError):
            coldshare_token.connect(coldshare_store)


    @pytest.mark.coldshare(state="new", user="reject")
    def test_reject(coldshare_token, coldshare_store):
        with pytest.raises(RejectedError):
            coldshare_token.pair(coldshare_store, lambda code: True)


    @pytest.mark.coldshare(state="new", user="absent")
    def test_absent(coldshare_token, coldshare_store):
        with pytest.raises(PersonTimeoutError):  # after a minute that takes no time
            coldshare_token.pair(coldshare_store, lambda code: True)


    @pytest.mark.coldshare(label="Outer")
    class TestClass:
        def test_inherits(self, coldshare_token):
            assert coldshare_token.unlock("4839") == "Outer"

        @pytest.mark.coldshare(pin="0000")
        def test_adds(self, coldshare_token):
            assert coldshare_token.unlock("0000") == "Outer"


    def test_other_processes(coldshare_address, coldshare_token, coldshare_pin, tmp_path):
        assert os.environ["COLDSHARE_AT"] == coldshare_address
        Path(tmp_path, "pin").write_text(coldshare_pin)
        coldshare = Path(sys.executable).with_name("coldshare")
        subprocess.run([coldshare, "list", "--pin-file", tmp_path / "pin"], check=True)
        with TokenClient(open_transport(Address.parse(coldshare_address))) as client:
            assert client.info.serial == coldshare_token.info.serial


    @pytest.mark.coldshare(state="new")
    def test_a_script_at_another_process(coldshare_address, coldshare_person, coldshare_home, tmp_path):
        Path(tmp_path, "pin").write_text("4839")

        def script():
            yield
            yield NO

        with coldshare_person.follow(script):
            coldshare = Path(sys.executable).with_name("coldshare")
            done = subprocess.run([coldshare, "init", "--label", "x", "--pin-file", tmp_path / "pin"])
        assert done.returncode == 5


    def test_several(coldshare_token, coldshare_make_token):
        others = [coldshare_make_token(label="B"), coldshare_make_token(state="new"), coldshare_make_token()]
        assert len({token.info.serial for token in (coldshare_token, *others)}) == 4


    def test_power_cuts(coldshare_token, coldshare_flash, coldshare_make_token):
        before = coldshare_flash.image
        with coldshare_flash.trace() as trace:
            with pytest.raises(PinWrongError):
                coldshare_token.unlock("0000")
        assert trace.operations
        for at, mode, image in trace.images(("clean",)):
            assert coldshare_make_token(image=image).backups() == []
        assert next(trace.images(("clean",)))[2] == before


    def share(party):
        return SimpleNamespace(vault=b"vault", name="Savings", party=party, generation=b"generation", threshold=2)


    def test_a_process_is_one_computer(monkeypatch):
        monkeypatch.delenv("COLDSHARE_SINGLE_HOST", raising=False)
        process.take(share("Phone"))
        with pytest.raises(SeveralSharesError):
            process.take(share("Laptop"))


    def test_unless_it_is_accepted(coldshare_single_host):
        assert os.environ["COLDSHARE_SINGLE_HOST"] == "1"
        for party in ("Phone", "Laptop", "Tablet"):
            process.take(share(party))


    def test_and_not_from_then_on():
        process.take(share("Phone"))  # with several workers the tests before were another process
        with pytest.raises(SeveralSharesError):
            process.take(share("Laptop"))
"""

BAD = """
    import pytest

    from coldshare_sim.testing import YES


    @pytest.mark.coldshare("new")
    def test_positional(coldshare_token): ...

    @pytest.mark.coldshare(state="old")
    def test_state(coldshare_token): ...

    @pytest.mark.coldshare(colour="red")
    def test_name(coldshare_token): ...

    @pytest.mark.coldshare(pin="12")
    def test_pin(coldshare_token): ...

    def waits():
        yield
        yield YES

    def test_script_left_over(coldshare_token, coldshare_person):
        coldshare_person.follow(waits)

    def test_in_the_server(coldshare_address, coldshare_person, coldshare_store):
        from coldshare.device.address import Address
        from coldshare.device.errors import TokenGoneError
        from coldshare.device.token import TokenClient
        from coldshare.device.transport import open_transport

        def script():
            screen = yield
            assert screen[0] == "something else"

        coldshare_person.follow(script)
        with TokenClient(open_transport(Address.parse(coldshare_address))) as client:
            with pytest.raises(TokenGoneError):
                client.pair(coldshare_store, lambda code: True)
"""


@pytest.mark.parametrize("workers", [(), pytest.param(("-n", "2"), marks=pytest.mark.slow)])
def test_every_fixture(pytester: pytest.Pytester, workers: tuple[str, ...]) -> None:
    pytester.makepyfile(GOOD)
    done = pytester.runpytest_subprocess("-W", "error", "--strict-markers", *workers)
    done.assert_outcomes(passed=15)


def test_what_goes_wrong_is_said(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(BAD)
    done = pytester.runpytest_subprocess("-W", "error", "--strict-markers")
    done.assert_outcomes(errors=6, passed=2)
    done.stdout.fnmatch_lines_random(
        [
            "*the marker takes keywords only*",
            "*state='old' is not new or ready or burnt.",
            "*'colour' is none of fault, label, pin, state, user.",
            "*pin='12': *",
            "*The script still waits for a screen (*test_what_goes_wrong_is_said.py:*",
            "*assert * == 'something else'*",
        ]
    )


def test_who_does_not_use_it_pays_nothing(pytester: pytest.Pytester) -> None:
    """Loaded by pytest for everybody: it brings along nothing that pytest itself has not."""
    program = (
        "import sys, pytest; before = set(sys.modules); import coldshare_sim.pytest_plugin;"
        "print(sorted({name.partition('.')[0] for name in set(sys.modules) - before}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['coldshare_sim']"
    pytester.makepyfile("def test_nothing(): pass")
    pytester.makeconftest(
        """
        import sys

        def pytest_unconfigure():
            for name in ("cryptography", "littlefs", "coldshare", "coldshare_iface", "coldshare_firmware"):
                assert name not in sys.modules
        """
    )
    pytester.runpytest_subprocess("-W", "error").assert_outcomes(passed=1)


def test_the_marker_and_the_fixtures_say_what_they_are(pytester: pytest.Pytester) -> None:
    pytester.runpytest_subprocess("--markers").stdout.fnmatch_lines(["@pytest.mark.coldshare(state='ready', *"])
