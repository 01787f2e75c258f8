import type { ChildProcess } from 'node:child_process'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { verifies } from '@countersign/requirements'
import { freePort } from '@countersign/testing/ports'
import { afterAll, beforeAll, expect } from 'vitest'
import { requireNginx, startNginx, there, when, why } from './nginx.fixture.js'
import { end, type Stand, stand } from './processes.fixture.js'
import { siteAgent } from './site-agent.fixture.js'

// A caching proxy that is not ours, between agents and a gateway.

let place: Stand
let proxy: ChildProcess | undefined
let api: string
let calls = 0

beforeAll(async () => {
  if (!there) return
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
  const folder = join(place.folder, 'nginx')
  proxy = await startNginx(
    folder,
    apiPort,
    `
      proxy_cache_path ${folder}/cache keys_zone=shared:1m; large_client_header_buffers 4 16k;
      server {
        listen 127.0.0.1:${apiPort};
        proxy_set_header Host $http_host; proxy_http_version 1.1;
        proxy_cache shared; proxy_cache_valid any 10m; proxy_cache_key $request_uri; add_header x-cache $upstream_cache_status always;
        location / { proxy_pass http://127.0.0.1:${gatewayPort}; }
        location /unguarded { proxy_pass http://127.0.0.1:${upstreamPort}; }
      }`,
  )
})

afterAll(async () => {
  if (proxy !== undefined) await end(proxy, 'SIGTERM')
  if (there) await place.stop()
})

requireNginx()

when(
  verifies('cache.private', 'cache.vary', `a caching proxy in front never serves one agent's answer to another${why}`),
  async () => {
    const seen: string[] = []
    for (const one of [await siteAgent(), await siteAgent(), await siteAgent()]) {
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
    // The same proxy does cache a response without a guard.
    const unguarded = [await fetch(`${api}/unguarded`), await fetch(`${api}/unguarded`)]
    expect(unguarded.map(response => response.headers.get('x-cache'))).toEqual(['MISS', 'HIT'])
    // A stranger after all of them still gets the challenge, not an answer.
    expect((await fetch(`${api}/mine`)).status).toBe(401)
  },
)
