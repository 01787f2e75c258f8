import { AAuthError } from '@countersign/protocol'
import { expect, test } from 'vitest'
import type { FetchedDocument } from './index.js'
import { documentAt } from './internal.js'

const url = 'https://issuer.example/keys'

/** A host that sends the response which the test sets, or none. */
function host(onGarbage: () => void = () => {}) {
  const state = {
    now: 1000,
    fetches: 0,
    body: '{"keys":1}',
    status: 200,
    answers: 'document' as 'document' | 'nothing',
  }
  const fetcher = async (asked: string, { maxBytes }: { maxBytes: number }): Promise<FetchedDocument> => {
    expect([asked, maxBytes]).toEqual([url, 100])
    state.fetches += 1
    if (state.answers === 'nothing') throw new Error('ECONNREFUSED')
    return { status: state.status, contentType: 'application/json', body: new TextEncoder().encode(state.body) }
  }
  const read = (json: unknown): number => {
    const keys = typeof json === 'object' && json !== null && 'keys' in json ? json.keys : undefined
    if (typeof keys !== 'number') throw new AAuthError('discovery_failed', 'no keys', { reason: 'document_malformed' })
    return keys
  }
  return { state, document: documentAt({ url, maxBytes: 100, read, fetcher, onGarbage, now: () => state.now }) }
}

test('a document is fetched once, kept while fresh, and fetched early at most once per interval', async () => {
  const { state, document } = host()
  expect(await Promise.all([document.get(), document.get(), document.get()])).toEqual([1, 1, 1])
  expect(state.fetches).toBe(1)
  state.body = '{"keys":2}'
  state.now += 10
  expect(await document.get()).toBe(1)
  expect(await document.renewed(30)).toBe(1)
  state.now += 21
  expect(await document.renewed(30)).toBe(2)
  expect(state.fetches).toBe(2)
})

test('the last document of an unreachable host is served for up to an hour; without a good document the lookup is refused', async () => {
  const { state, document } = host()
  expect(await document.get()).toBe(1)
  state.answers = 'nothing'
  state.now += 3000
  expect(await document.get()).toBe(1)
  state.now += 601
  await expect(document.get()).rejects.toMatchObject({ code: 'discovery_failed', status: 503 })
  const wrong = host()
  wrong.state.body = '{"keys":"two"}'
  await expect(wrong.document.get()).rejects.toMatchObject({
    code: 'discovery_failed',
    reason: 'document_malformed',
    status: 401,
  })
  wrong.state.body = `{"keys":${'1'.repeat(100)}}`
  wrong.state.now += 60
  await expect(wrong.document.get()).rejects.toMatchObject({ code: 'discovery_failed', status: 401 })
})

test('garbage in place of a good document calls onGarbage, and the good one is served for up to an hour', async () => {
  let told = 0
  const { state, document } = host(() => told++)
  expect(await document.get()).toBe(1)
  for (const body of ['<html>', '{"keys":"two"}', `{"keys":${'1'.repeat(100)}}`]) {
    state.body = body
    state.now += 700
    expect(await document.get(), body).toBe(1)
  }
  expect(told).toBe(3)
  state.now += 1501
  await expect(document.get()).rejects.toMatchObject({ code: 'discovery_failed', status: 401 })
  state.body = '{"keys":3}'
  state.now += 6
  expect(await document.get()).toBe(3)
  state.status = 404
  state.now += 700
  await expect(document.get()).rejects.toMatchObject({ code: 'discovery_failed', status: 401 })
})
