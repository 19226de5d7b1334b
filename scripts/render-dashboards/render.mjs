// Draws dashboards to PNG files: node render.mjs PROMETHEUS NOW OUT 'dashboard?variables'...
// Serves the page, the dashboards and Prometheus' query API on one local port, and lets headless Chromium take the picture.
import { spawnSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';

const [prometheus, now, out, ...wanted] = process.argv.slice(2);
if (wanted.length === 0) {
  console.error("usage: node render.mjs PROMETHEUS NOW OUT_FOLDER 'name?dashboard=FILE&height=PIXELS&variable=value'...");
  process.exit(2);
}
const here = fileURLToPath(new URL('.', import.meta.url));
const bundle = await build({
  entryPoints: [join(here, 'page.jsx')], bundle: true, write: false, outfile: 'page.js', format: 'esm', jsx: 'automatic', minify: true, logLevel: 'error',
  define: { 'process.env.NODE_ENV': '"production"', global: 'globalThis' },
  loader: { '.svg': 'text', '.png': 'dataurl', '.woff2': 'dataurl', '.ttf': 'empty' },
  alias: { 'react-router-dom-v5-compat': 'react-router-dom' },
});

const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, 'http://localhost');
  const send = (type, body) => response.writeHead(200, { 'content-type': type }).end(body);
  try {
    if (pathname === '/') return send('text/html', readFileSync(join(here, 'page.html')));
    if (pathname === '/page.js') return send('text/javascript', bundle.outputFiles.find(({ path }) => path.endsWith('.js')).contents);
    if (pathname === '/page.css') return send('text/css', bundle.outputFiles.find(({ path }) => path.endsWith('.css')).contents);
    if (/^\/dashboards\/[a-z-]+\.json$/.test(pathname)) return send('application/json', readFileSync(join(here, '../..', pathname)));
    if (pathname.startsWith('/api/v1/')) {
      const chunks = [];
      for await (const chunk of request) chunks.push(chunk);
      const answer = await fetch(prometheus + pathname, { method: 'POST', body: Buffer.concat(chunks), headers: { 'content-type': 'application/x-www-form-urlencoded' } });
      return send('application/json', await answer.text());
    }
  } catch (error) {
    return response.writeHead(500).end(String(error));
  }
  response.writeHead(404).end();
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));

for (const asked of wanted) {
  const [name, query] = asked.split('?');
  const parameters = new URLSearchParams(query);
  const size = `${parameters.get('width') ?? 1440},${parameters.get('height') ?? 1000}`;
  parameters.set('now', now);
  const profile = mkdtempSync(join(tmpdir(), 'render-'));
  const picture = join(out, `${name}.png`);
  const chromium = spawn('chromium', [
    '--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
    '--hide-scrollbars', `--user-data-dir=${profile}`, `--window-size=${size}`, '--virtual-time-budget=20000', `--screenshot=${picture}`,
    '--enable-logging=stderr', '--v=0', `http://127.0.0.1:${server.address().port}/?${parameters}`,
  ]);
  let log = '';
  chromium.stderr.on('data', (text) => (log += text));
  const code = await new Promise((resolve) => chromium.on('exit', resolve));
  rmSync(profile, { recursive: true, force: true });
  const complaints = log.split('\n').filter((line) => line.includes('CONSOLE'));
  console.log(`${picture} ${code === 0 ? 'drawn' : `failed (${code})`}${complaints.length ? `\n${complaints.slice(0, 8).join('\n')}` : ''}`);
  spawnSync('pngquant', ['--force', '--ext', '.png', '--quality', '70-95', picture]);
}
server.close();
