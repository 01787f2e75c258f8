// An Express API behind nginx: it tells its callers apart, limits them by the key or agent that they prove, and needs no auth server.
//
//   node examples/express-behind-nginx/app.mjs        http://localhost:4830, where nginx listens
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { createResource } from '@countersign/resource'
import { guard, setbacks, wellKnown } from '@countersign/resource/express'
import { keysFile } from '@countersign/server'
import express from 'express'

/**
 * Starts the API on `port`; callers reach it as `id`, which is where nginx listens.
 * @param o.folder keeps the keys: a restart signs under the same ones
 */
export async function start({ id = 'http://localhost:4830', port = 4831, folder = import.meta.dirname } = {}) {
  const api = createResource({
    id,
    development: true,
    keys: await keysFile(join(folder, 'api-keys.json')),
    authServers: [],
    // Otherwise every caller would have the address of nginx.
    trustedProxies: 1,
    limits: { anonymous: '10/min', pseudonymous: '60/min', identified: '600/min' },
  })
  const notes = []
  const app = express()
  app.use(wellKnown(api))
  app.get('/notes', guard(api, { level: 'anonymous' }), (_, response) => response.json(notes.slice(-20)))
  // The guard stands before what reads the body: it checks that the body is the one that was signed.
  app.post('/notes', guard(api, { level: 'identified' }), express.json(), (request, response) => {
    notes.push({ text: String(request.body?.text ?? '').slice(0, 500), by: request.aauth.agent })
    if (notes.length > 1000) notes.shift()
    response.status(201).json(notes.at(-1))
  })
  app.use(setbacks)
  const server = app.listen(port, '127.0.0.1')
  await new Promise((resolve, reject) => server.once('listening', resolve).once('error', reject))
  return { id, end: () => new Promise(resolve => server.close(resolve)) }
}

/** The configuration of nginx, for these ports and a folder of its own. */
export function nginxConfiguration({ folder, listen = 4830, port = 4831 }) {
  const text = readFileSync(fileURLToPath(new URL('nginx.conf', import.meta.url)), 'utf8')
  return text.replaceAll('/tmp/nginx', folder).replace('listen 4830', `listen ${listen}`).replace(':4831', `:${port}`)
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { id } = await start()
  const folder = join(mkdtempSync(join(tmpdir(), 'countersign-')), 'nginx')
  mkdirSync(folder)
  const file = join(folder, 'nginx.conf')
  writeFileSync(file, nginxConfiguration({ folder }))
  const nginx = spawn('nginx', ['-c', file, '-g', 'daemon off;'], { stdio: 'inherit' })
  nginx.once('error', () => {
    console.error('nginx is not installed, or not in PATH')
    process.exit(1)
  })
  console.log(`${id}/notes`)
}
