import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { defineConfig, type Plugin } from "vite";

const OUT_DIR = "../static";

/** Leaves a .gz beside each script and style; the server prefers it when the browser takes gzip. */
function precompress(): Plugin {
  return {
    name: "precompress",
    apply: "build",
    async closeBundle() {
      const folder = join(import.meta.dirname, OUT_DIR, "assets");
      for (const name of await readdir(folder)) {
        if (!/\.(js|css)$/.test(name)) continue;
        const file = join(folder, name);
        await writeFile(`${file}.gz`, await promisify(gzip)(await readFile(file), { level: 9 }));
      }
    },
  };
}

export default defineConfig({
  build: {
    outDir: OUT_DIR,
    emptyOutDir: true,
    target: "es2022",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 800,
    rollupOptions: { input: ["index.html", "admin.html"].map((page) => join(import.meta.dirname, page)) },
  },
  server: { proxy: { "/api": "http://127.0.0.1:8080", "/admin/api": "http://127.0.0.1:8080" } },
  plugins: [precompress()],
});
