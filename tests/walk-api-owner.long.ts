import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '@countersign/testing/ports'
import { afterAll, beforeAll, expect } from 'vitest'
import { requireNginx, startNginx, there, when, why } from './nginx.fixture.js'
import { end, type Stand, stand } from './processes.fixture.js'
import { versioned } from './reader.fixture.js'
import { type Walk, walk } from './walks.fixture.js'

// An API owner with an Express app that runs already, behind nginx: JSON bodies, uploads, pages that call it. The packages come
// as npm would deliver them.

let place: Stand
let user: Walk
let proxy: Awaited<ReturnType<typeof startNginx>> | undefined
let shop = ''
let agentServer = ''
let appPort = 0

/** The app as it was, and the lines that guard it. */
const app = `
import { createResource } from '@countersign/resource'
import { cors, guard, keepBody, wellKnown } from '@countersign/resource/express'
import { keysFile } from '@countersign/server'
import express from 'express'
import multer from 'multer'

const shop = createResource({
  id: process.env.SHOP,
  development: true,
  keys: await keysFile('shop-keys.json'),
  authServers: [],
  scopes: {},
  cors: ['https://page.example'],
  trustedProxies: 1,
  limits: { anonymous: '3/min' },
})
const app = express()
app.use(cors(shop))
app.use(wellKnown(shop))
app.use(express.json(process.env.KEEP === 'no' ? {} : { verify: keepBody }))
app.get('/', guard(shop, { level: 'anonymous' }), (req, res) => void res.json({ level: req.aauth.level }))
app.get('/prices', guard(shop, { level: 'identified' }), (req, res) => void res.json({ agent: req.aauth.agent }))
app.post('/orders', guard(shop, { level: 'identified' }), (req, res) => void res.status(201).json(req.body))
const upload = multer().single('photo')
app.post('/photos', guard(shop, { level: 'identified' }), upload, (req, res) => {
  res.json({ name: req.file.originalname, bytes: req.file.size, title: req.body.title })
})
app.listen(Number(process.env.PORT), '127.0.0.1', () => console.log('shop ready at ' + process.env.SHOP))
`

beforeAll(async () => {
  if (!there) return
  place = stand()
  user = await walk(place, [versioned('express'), 'multer@2'])
  writeFileSync(join(user.folder, 'shop.mjs'), app)
  const [port, agentPort] = [await freePort(), await freePort()]
  appPort = await freePort()
  shop = `http://localhost:${port}`
  agentServer = `http://localhost:${agentPort}`
  await place.start(
    'agent-server',
    ['agent-server', '--id', agentServer, '--port', String(agentPort), '--development'],
    {
      program: [join(user.folder, 'node_modules/.bin/countersign')],
      env: { HOME: user.home },
    },
  )
  await startShop()
  const settings = 'proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $remote_addr;'
  proxy = await startNginx(
    join(place.folder, 'nginx'),
    port,
    `large_client_header_buffers 4 16k;
     server { listen 127.0.0.1:${port}; location / { proxy_pass http://127.0.0.1:${appPort}; ${settings} } }`,
  )
  const invite = ['agent-server', 'invite', '--id', agentServer, '--development']
  const { code } = JSON.parse((await user.run(invite)).stdout) as { code: string }
  const enrolled = await user.run(['enroll', agentServer, '--code', code, '--development'])
  expect(enrolled.code, enrolled.stderr).toBe(0)
})

afterAll(async () => {
  if (proxy !== undefined) await end(proxy, 'SIGTERM')
  if (there) await place.stop()
})

function startShop(env: Readonly<Record<string, string>> = {}): ReturnType<Stand['start']> {
  return place.start('shop', ['shop.mjs'], {
    program: [process.execPath],
    cwd: user.folder,
    env: { NODE_ENV: 'production', SHOP: shop, PORT: String(appPort), ...env },
    ready: 'shop ready',
  })
}

const asDelegate = (...args: string[]): string[] => [
  'fetch',
  '--development',
  '--as',
  'delegate',
  '--id',
  agentServer,
  ...args,
]

requireNginx()

when(`an app behind nginx lets in who signs, with JSON bodies that express.json() has read${why}`, async () => {
  const read = await user.run(asDelegate(`${shop}/prices`))
  expect([read.code, read.stdout], read.stderr).toEqual([0, JSON.stringify({ agent: agentServer })])
  const order = ['-H', 'content-type: application/json', '-d', '{"tea":2}', `${shop}/orders`]
  const written = await user.run(asDelegate(...order))
  expect([written.code, written.stdout], written.stderr).toEqual([0, '{"tea":2}'])
  const pseudonym = await user.run(['fetch', '--development', ...order])
  expect(pseudonym.code).not.toBe(0)
})

when(`an upload in parts reaches the parser behind the guard${why}`, async () => {
  const lines = [
    '--part\r\nContent-Disposition: form-data; name="title"\r\n\r\nTea',
    '--part\r\nContent-Disposition: form-data; name="photo"; filename="tea.png"\r\nContent-Type: image/png\r\n\r\n12345',
    '--part--\r\n',
  ]
  writeFileSync(join(user.folder, 'form'), lines.join('\r\n'))
  const type = 'content-type: multipart/form-data; boundary=part'
  const sent = await user.run(asDelegate('-H', type, '-d', '@form', `${shop}/photos`))
  expect([sent.code, sent.stdout], sent.stderr).toEqual([0, '{"name":"tea.png","bytes":5,"title":"Tea"}'])
})

when(`a page of the listed origin may ask, another may not${why}`, async () => {
  const preflight = (origin: string): Promise<Response> =>
    fetch(`${shop}/orders`, { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST' } })
  const allowed = await preflight('https://page.example')
  expect(allowed.headers.get('access-control-allow-origin')).toBe('https://page.example')
  expect(allowed.headers.get('access-control-allow-headers')?.toLowerCase()).toContain('signature-input')
  expect((await preflight('https://other.example')).headers.get('access-control-allow-origin')).toBeNull()
  const refused = await fetch(`${shop}/prices`, { headers: { origin: 'https://page.example' } })
  expect([refused.status, refused.headers.get('agent-auth')]).toEqual([401, 'httpsig; identity=?1'])
  expect(refused.headers.get('access-control-expose-headers')).toContain('Agent-Auth')
})

when(`callers are counted by the address that nginx saw, whatever they say${why}`, async () => {
  const outcomes: number[] = []
  for (let at = 0; at < 4; at++)
    outcomes.push((await fetch(`${shop}/`, { headers: { 'x-forwarded-for': `203.0.113.${at}` } })).status)
  expect(outcomes).toEqual([200, 200, 200, 429])
})

when(`a parser before the guard that keeps nothing is told where the guard goes${why}`, async () => {
  const port = appPort
  appPort = await freePort()
  const careless = await startShop({ KEEP: 'no' })
  let told = ''
  careless.stderr?.on('data', chunk => {
    told += chunk
  })
  const order = { method: 'POST', body: '{"tea":2}', headers: { 'content-type': 'application/json' } }
  expect((await fetch(`http://127.0.0.1:${appPort}/orders`, order)).status).toBe(500)
  await expect.poll(() => told).toMatch(/TypeError: .*keepBody/)
  appPort = port
})
