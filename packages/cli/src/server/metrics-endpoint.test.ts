import { request } from 'node:http'
import { expect, onTestFinished, test } from 'vitest'
import { metricsEndpoint } from './metrics-endpoint.js'

interface Answer {
  readonly status: number | undefined
  readonly type: string | undefined
  readonly text: string
}

/** Sends a request with headers that `fetch` would not send. */
function ask(
  url: string,
  o: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request(url, { method: o.method ?? 'GET', headers: o.headers ?? {} }, response => {
      let text = ''
      response.on('data', chunk => {
        text += String(chunk)
      })
      response.once('end', () => resolve({ status: response.statusCode, type: response.headers['content-type'], text }))
    })
      .once('error', reject)
      .end(o.body)
  })
}

async function endpoint(read: () => Promise<string>): Promise<string> {
  const opened = await metricsEndpoint({ host: '127.0.0.1', port: 0, read })
  onTestFinished(() => opened.close())
  return opened.url
}

test('only GET /metrics is answered, in the text format of Prometheus', async () => {
  const url = await endpoint(async () => 'a 1\n')
  expect(await ask(url)).toEqual({ status: 200, type: 'text/plain; version=0.0.4; charset=utf-8', text: 'a 1\n' })
  expect((await ask(`${url}?name=a`)).status).toBe(200)
  expect((await ask(url, { method: 'POST', body: 'x'.repeat(100_000) })).status).toBe(405)
  expect((await ask(url, { method: 'DELETE' })).status).toBe(405)
  for (const path of ['/', '/metrics/', '/metricsx', '/healthz', '/.well-known/jwks.json'])
    expect((await ask(new URL(path, url).href)).status, path).toBe(404)
})

test('a page of another site cannot read it by a name that leads to loopback', async () => {
  const url = await endpoint(async () => 'a 1\n')
  const { port } = new URL(url)
  for (const host of [`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`])
    expect((await ask(url, { headers: { host } })).status, host).toBe(200)
  for (const host of ['evil.example', `localhost.evil.example:${port}`, `127.0.0.1.evil.example`])
    expect((await ask(url, { headers: { host } })).status, host).toBe(421)
})

test('scrapes that come at once share one reading, and a reading that fails tells nothing', async () => {
  let readings = 0
  const isAway: { yes: boolean } = { yes: false }
  const url = await endpoint(async () => {
    readings += 1
    await new Promise(resolve => setTimeout(resolve, 100))
    if (isAway.yes) throw new Error('password=secret')
    return 'a 1\n'
  })
  const all = await Promise.all(Array.from({ length: 8 }, () => ask(url)))
  expect(all.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200))
  expect(readings).toBeLessThan(8)
  isAway.yes = true
  expect(await ask(url)).toEqual({ status: 500, type: undefined, text: 'the metrics could not be read\n' })
})
