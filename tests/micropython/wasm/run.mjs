// Runs Python in MicroPython's WASM build: node run.mjs PACKAGE CODE [FOLDER=PLACE ...]
// Every FOLDER is copied into the file system that Python sees, at PLACE. AES is Node's own.
import { createCipheriv, createDecipheriv } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [home, code, ...folders] = process.argv.slice(2);
const { loadMicroPython } = await import(pathToFileURL(join(home, "micropython.mjs")));
const mp = await loadMicroPython({ heapsize: 1 << 20, linebuffer: true, stdout: (line) => console.log(line) });

function copy(from, to) {
  mp.FS.mkdirTree(to);
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [here, there] = [join(from, entry.name), `${to}/${entry.name}`];
    if (entry.isDirectory()) copy(here, there);
    else mp.FS.writeFile(there, readFileSync(here));
  }
}

for (const folder of folders) copy(...folder.split("="));

mp.registerJsModule("hostaes", {
  run(mode, encrypt, key, iv, data) {
    const make = encrypt ? createCipheriv : createDecipheriv;
    const cipher = make(`aes-128-${mode}`, Buffer.from(key, "hex"), mode === "ecb" ? null : Buffer.from(iv, "hex"));
    cipher.setAutoPadding(false);
    return Buffer.concat([cipher.update(data, "hex"), cipher.final()]).toString("hex");
  },
});

try {
  mp.runPython(code);
} catch (error) {
  // Left alone it prints a hundred kilobytes of JavaScript.
  console.error(String(error.message ?? error).slice(0, 4000));
  process.exit(1);
}
