import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { oauthStore, readStore } from './oauth-store.js'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

function fresh(): { readonly file: string; readonly store: ReturnType<typeof oauthStore> } {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-test-'))
  folders.push(folder)
  const file = join(folder, 'store.json')
  return { file, store: oauthStore(file) }
}

test('a token is found by its value, of which the file has only a hash', async () => {
  const { file, store } = fresh()
  const tokens = store('RefreshToken')
  await tokens.upsert('the-refresh-token', { jti: 'the-refresh-token', grantId: 'g' }, 60)
  expect(await tokens.find('the-refresh-token')).toEqual({ jti: 'the-refresh-token', grantId: 'g' })
  expect(await tokens.find('another-token')).toBeUndefined()
  expect(readFileSync(file, 'utf8')).not.toContain('the-refresh-token')
  expect(Object.keys(readStore(file))).toHaveLength(1)
})

test('tokens of a grant end with it, others stay; expired ones are not found', async () => {
  const { store } = fresh()
  const tokens = store('AccessToken')
  await tokens.upsert('one', { grantId: 'g' }, 60)
  await tokens.upsert('other', { grantId: 'h' }, 60)
  await tokens.upsert('old', { grantId: 'h' }, -1)
  await tokens.revokeByGrantId('g')
  expect(await tokens.find('one')).toBeUndefined()
  expect(await tokens.find('other')).toEqual({ jti: 'other', grantId: 'h' })
  expect(await tokens.find('old')).toBeUndefined()
})

test('sessions are found by their uid, and never written', async () => {
  const { file, store } = fresh()
  await store('Session').upsert('cookie', { jti: 'cookie', uid: 'u' }, 60)
  expect(await store('Session').findByUid('u')).toEqual({ jti: 'cookie', uid: 'u' })
  expect(readStore(file)).toEqual({})
})

test('the oldest records make room', async () => {
  const { store } = fresh()
  const interactions = store('Interaction')
  for (let count = 0; count < 2001; count++) await interactions.upsert(String(count), {})
  expect(await interactions.find('0')).toBeUndefined()
  expect(await interactions.find('1')).toEqual({ jti: '1' })
  expect(await interactions.find('2000')).toEqual({ jti: '2000' })
}, 60_000)
