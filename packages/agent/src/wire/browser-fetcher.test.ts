import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { browserFetcher } from '../browser.js'

const url = 'https://resource.example/.well-known/aauth-resource'

test('fetches without cookies, redirects, referrer or cache', async () => {
  const seen: unknown[] = []
  const fetcher = browserFetcher({
    fetch: async (input, init) => {
      seen.push(input, init)
      return new Response('{}', { headers: { 'content-type': 'application/json', 'cache-control': 'max-age=60' } })
    },
  })
  const { signal } = new AbortController()
  expect(await fetcher(url, { maxBytes: 2, signal })).toEqual({
    status: 200,
    contentType: 'application/json',
    cacheControl: 'max-age=60',
    body: new TextEncoder().encode('{}'),
  })
  expect(seen).toEqual([
    url,
    {
      headers: { accept: 'application/json' },
      cache: 'no-store',
      credentials: 'omit',
      redirect: 'error',
      referrerPolicy: 'no-referrer',
      signal,
    },
  ])
})

test('refuses a document that is too large', async () => {
  const fetcher = browserFetcher({ fetch: async () => new Response('{ }') })
  await expect(fetcher(url, { maxBytes: 2 })).rejects.toThrow(TypeError)
  expect((await fetcher(url, { maxBytes: 3 })).body.byteLength).toBe(3)
})

test('leaves no listener on a signal that outlives the fetch', async () => {
  const { signal } = new AbortController()
  const fetcher = browserFetcher({ fetch: async () => new Response('{}') })
  for (const maxBytes of [1, 2]) await fetcher(url, { maxBytes, signal }).catch(() => undefined)
  expect(getEventListeners(signal, 'abort')).toEqual([])
})
