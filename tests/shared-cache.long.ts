import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { agentServer, createAgent } from '@countersign/agent'
import { createDiscovery } from '@countersign/discovery'
import { generateSigningKey } from '@countersign/httpsig'
import { jwks } from '@countersign/protocol'
import { verifies } from '@countersign/requirements'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { end, freePort, required, type Stand, stand } from './processes.fixture.js'

// A caching proxy that is not ours, between agents and a gateway.

const nginx = ['/usr/sbin/nginx', '/usr/bin/nginx'].find(path => {
  try {
    execFileSync(path, ['-v'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})
let place: Stand
let proxy: ChildProcess | undefined
let api: string
let calls = 0

beforeAll(async () => {
  if (nginx === undefined) return
  place = stand()
  const [apiPort, gatewayPort, upstreamPort] = [await freePort(), await freePort(), await freePort()]
  // The resource is known under the proxy's address: that is what agents call and sign.
  api = `http://localhost:${apiPort}`
  const upstream = createServer((request, response) => {
    calls++
    response.setHeader('content-type', 'text/plain').end(String(request.headers['aauth-agent']))
  })
  upstream.listen(upstreamPort, '127.0.0.1').unref()
  await place.start('gateway', [
    'gateway',
    '--id',
    api,
    '--port',
    String(gatewayPort),
    '--upstream',
    `http://127.0.0.1:${upstreamPort}`,
    '--data',
    join(place.folder, 'gateway'),
    '--development',
  ])
  proxy = await startNginx(nginx, apiPort, gatewayPort, upstreamPort)
}, 60_000)

afterAll(async () => {
  if (proxy !== undefined) await end(proxy, 'SIGTERM')
  if (nginx !== undefined) await place.stop()
})

async function startNginx(program: string, listen: number, gateway: number, upstream: number): Promise<ChildProcess> {
  const folder = join(place.folder, 'nginx')
  mkdirSync(folder)
  const config = `
    daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
    events { worker_connections 64; }
    http {
      access_log off; client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/temp; fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
      proxy_cache_path ${folder}/cache keys_zone=shared:1m; large_client_header_buffers 4 16k;
      server {
        listen 127.0.0.1:${listen};
        proxy_set_header Host $http_host; proxy_http_version 1.1;
        proxy_cache shared; proxy_cache_valid any 10m; proxy_cache_key $request_uri; add_header x-cache $upstream_cache_status always;
        location / { proxy_pass http://127.0.0.1:${gateway}; }
        location /unguarded { proxy_pass http://127.0.0.1:${upstream}; }
      }
    }`
  writeFileSync(join(folder, 'nginx.conf'), config)
  const child = spawn(program, ['-p', folder, '-c', join(folder, 'nginx.conf')], { stdio: 'inherit' })
  for (let tries = 0; tries < 100; tries++) {
    if (await answers(listen)) return child
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  throw new Error('nginx does not listen')
}

function answers(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1', () => resolve(true)).once('error', () => resolve(false))
    socket.unref()
    setTimeout(() => socket.destroy(), 1000).unref()
  })
}

/** An agent whose identity is served by a site of its own. */
async function agent(): Promise<ReturnType<typeof createAgent>> {
  const key = await generateSigningKey()
  const port = await freePort()
  const id = `http://localhost:${port}`
  const documents: Record<string, unknown> = {
    '/.well-known/aauth-agent': { issuer: id, agent: id, jwks_uri: `${id}/jwks.json` },
    '/jwks.json': jwks([{ kid: 'k1', key }]),
  }
  createServer((request, response) =>
    response.setHeader('content-type', 'application/json').end(JSON.stringify(documents[request.url ?? ''])),
  )
    .listen(port, 'localhost')
    .unref()
  const discovery = createDiscovery({ development: true })
  return createAgent({ identity: agentServer({ id, kid: 'k1', key }), identifyTo: 'any', development: true, discovery })
}

test('the proxy that CI requires is there', () => {
  expect(nginx !== undefined || !required('nginx')).toBe(true)
})

const when = nginx === undefined ? test.skip : test
const why = nginx === undefined ? ' (skipped: no nginx; apt-get install nginx)' : ''

when(
  verifies('cache.private', 'cache.vary', `a caching proxy in front never serves one agent's answer to another${why}`),
  async () => {
    const seen: string[] = []
    for (const one of [await agent(), await agent(), await agent()]) {
      const first = await one.fetch(`${api}/mine`)
      const second = await one.fetch(`${api}/mine`)
      expect([first.status, second.status]).toEqual([200, 200])
      const answersOfOne = [await first.text(), await second.text()]
      expect(answersOfOne[0]).toBe(answersOfOne[1])
      expect(seen).not.toContain(answersOfOne[0])
      seen.push(String(answersOfOne[0]))
      expect(first.headers.get('x-cache')).not.toBe('HIT')
    }
    expect(calls).toBe(6)
    // The same proxy does keep what nobody guards.
    const unguarded = [await fetch(`${api}/unguarded`), await fetch(`${api}/unguarded`)]
    expect(unguarded.map(response => response.headers.get('x-cache'))).toEqual(['MISS', 'HIT'])
    // A stranger after all of them still gets the challenge, not an answer.
    expect((await fetch(`${api}/mine`)).status).toBe(401)
  },
)
