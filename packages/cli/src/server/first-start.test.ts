import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { UsageError } from '@countersign/fetch/internal'
import { verifies } from '@countersign/requirements'
import { openStore } from '@countersign/store'
import { temporaryFolder } from '@countersign/testing/folders'
import { describe, expect, test } from 'vitest'
import { checkFirstStart, decideStart, type Found, type Start } from './first-start.js'

const folder = temporaryFolder()

const production = { development: false }
const development = { development: true }
const found = (keys: Found['keys'], database: Found['database']): Found => ({ keys, database })

type Outcome = Start | 'already there' | 'nothing there' | 'no keys' | 'no database'
type Row = readonly [Found['keys'], Found['database'], Outcome, Outcome, Outcome, Outcome]

describe(verifies('F-81', 'how a server may start'), () => {
  // keys, database: production, with --init, with --replace-keys, development
  const rows: readonly Row[] = [
    ['there', 'there', 'again', 'already there', 'again', 'again'],
    ['missing', 'missing', 'nothing there', 'first', 'nothing there', 'first'],
    ['there', 'missing', 'no database', 'first', 'no database', 'no database'],
    ['missing', 'there', 'no keys', 'already there', 'new keys', 'no keys'],
    ['none', 'there', 'again', 'already there', 'again', 'again'],
    ['none', 'missing', 'nothing there', 'first', 'nothing there', 'first'],
    ['there', 'none', 'again', 'already there', 'again', 'again'],
    ['missing', 'none', 'nothing there', 'first', 'nothing there', 'first'],
  ]
  test.each(rows)(
    'keys %s, database %s: %s, with --init %s, with --replace-keys %s, in development %s',
    (keys, database, ...outcomes) => {
      const settings = [production, { ...production, init: true }, { ...production, replaceKeys: true }, development]
      const decided = settings.map(setting => {
        const start = decideStart(found(keys, database), setting)
        return typeof start === 'string' ? start : start.refused
      })
      expect(decided).toEqual(outcomes)
    },
  )
})

test(verifies('F-81', 'a refusal names what is missing, and nothing is created'), async () => {
  const lines: unknown[] = []
  const log = { warn: (fields: unknown) => lines.push(fields) }
  const id = 'https://auth.example'
  const keys = join(folder, 'keys.json')
  const file = join(folder, 'auth.db')
  const database = { url: `sqlite:${file}`, room: 'auth_server' }
  const start = (more: object = {}) => checkFirstStart({ id, development: false, ...more }, { keys, database }, log)
  await expect(start()).rejects.toThrow(UsageError)
  await expect(start()).rejects.toThrow(new RegExp(`no keys ${keys}, no database ${file}.*--init`))
  expect(lines).toEqual([])
  expect(await start({ init: true })).toBe('first')
  expect(lines).toEqual([{ event: 'first_start', id, keys, database: file }])
  writeFileSync(keys, '{}')
  await expect(start()).rejects.toThrow(new RegExp(`database of ${id} is missing.*${keys}.*${file}`))
  const store = await openStore({
    url: database.url,
    room: 'auth_server',
    migrations: [{ name: '1', up: async () => {} }],
  })
  await store.close()
  expect(await start()).toBe('again')
  await expect(start({ init: true })).rejects.toThrow('leave out --init')
  rmSync(keys)
  await expect(start()).rejects.toThrow(new RegExp(`keys of ${id} are missing.*${file}.*${keys}.*--replace-keys`))
  expect(await start({ replaceKeys: true })).toBe('new keys')
  // The room of another server in the same file is none of this one's.
  const other = { url: database.url, room: 'agent_server' }
  await expect(checkFirstStart({ id, development: false }, { database: other }, log)).rejects.toThrow('--init')
})

test('an invalid identifier is refused before keys and database are looked for', async () => {
  const start = (id: string, development = false) =>
    checkFirstStart({ id, development, init: true }, {}, { warn: () => {} })
  await expect(start('https://auth.example/')).rejects.toThrow('did you mean https://auth.example?')
  await expect(start('http://localhost:4020')).rejects.toThrow('did you mean http://localhost:4020 with --development?')
  expect(await start('http://localhost:4020', true)).toBe('first')
})
