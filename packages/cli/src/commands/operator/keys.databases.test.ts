import { createAgentServer } from '@countersign/agent-server'
import { createAuthServer } from '@countersign/auth-server'
import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { databasesForTests } from '@countersign/testing/databases'
import { temporaryFolder } from '@countersign/testing/folders'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { program } from '../../program.js'

const databases = await databasesForTests(3)
const folder = temporaryFolder()
const day = 86_400

let [out, err, log]: [string[], string[], string[]] = [[], [], []]
beforeEach(() => {
  vi.spyOn(console, 'log').mockImplementation(line => void out.push(String(line)))
  vi.spyOn(console, 'error').mockImplementation(line => void err.push(String(line)))
  vi.spyOn(process.stderr, 'write').mockImplementation((text: unknown) => log.push(String(text)) > 0)
})
afterEach(() => {
  vi.restoreAllMocks()
  process.exitCode = undefined
})

interface Ran {
  readonly out: string[]
  readonly err: string[]
  /** The records of the audit log. */
  readonly log: unknown[]
  readonly code: number | string
}

/** Runs one command on a database, and answers what it printed and its exit code. */
async function run(server: string, database: string, ...args: string[]): Promise<Ran> {
  ;[out, err, log] = [[], [], []]
  process.exitCode = undefined
  const place = ['--id', `https://${server}.example`, '--database', database, '--data', folder]
  const argv = ['node', 'countersign', server, ...args, ...place]
  await (await program('0', argv)).parseAsync(argv)
  const code = process.exitCode ?? 0
  process.exitCode = undefined
  const records = log.join('').split('\n').filter(Boolean)
  return { out, err, log: records.map(line => JSON.parse(line) as unknown), code }
}

const objects = ({ out: lines }: Ran): Array<Record<string, unknown>> => lines.map(line => JSON.parse(line))

/** Starts each server once, with the keys of a rotation. */
const starts: Readonly<Record<string, (database: string) => Promise<{ close(): Promise<void> }>>> = {
  'auth-server': async database =>
    createAuthServer({
      issuer: 'https://auth-server.example',
      keys: { rotateEvery: 30 * day, before: [{ kid: 'file', key: await generateSigningKey() }] },
      database,
    }),
  'agent-server': async database =>
    createAgentServer({
      id: 'https://agent-server.example',
      keys: { rotateEvery: 30 * day, before: [{ kid: 'file', key: await generateSigningKey() }] },
      database,
    }),
}

describe.each(databases)('$name$away', ({ away, url }) => {
  const withDatabase = test.skipIf(away !== '')

  withDatabase.each(Object.keys(starts))(
    verifies('discovery.publish-ahead', 'an operator of an %s lists, rotates and revokes its keys, which is recorded'),
    async server => {
      const database = url()
      await (await starts[server]?.(database))?.close()

      const [first = {}] = objects(await run(server, database, 'keys', 'list', '--json'))
      expect(first).toMatchObject({ kid: 'file', state: 'signing', from: 'options', algorithm: 'Ed25519' })
      const rotated = await run(server, database, 'keys', 'rotate', '--json')
      const [{ kid, signs } = {}] = objects(rotated)
      expect(rotated.log).toMatchObject([{ event: 'key_made', kid, signs }])
      expect(Number(signs) - Date.now() / 1000).toBeGreaterThan(800)
      const again = await run(server, database, 'keys', 'rotate')
      expect([again.out[0], again.log]).toEqual([expect.stringMatching(/ was there, and signs from \d{4}-.*Z$/), []])
      const { out: rows } = await run(server, database, 'keys', 'list')
      const table = rows.join('\n').split('\n')
      expect(table[0]).toMatch(/^ *KID +ALGORITHM +STATE +PUBLISHED +SIGNS +UNTIL +REVOKED +FROM$/)
      expect(table.slice(1).map(line => line.trim().split(/ +/)[2])).toEqual(['signing', 'next'])

      const ended = await run(server, database, 'keys', 'revoke', '--kid', 'file')
      expect(ended.out[0]).toMatch(/^file is revoked: its tokens are refused\n/)
      expect(ended.log).toMatchObject([{ event: 'key_revoked', kid: 'file' }])
      const unknown = await run(server, database, 'keys', 'revoke', '--kid', 'file', '--json')
      expect([objects(unknown), unknown.code]).toEqual([[{ revoked: [] }], 1])
      const [all = {}] = objects(await run(server, database, 'keys', 'rotate', '--now', '--json'))
      expect(all).toMatchObject({ revoked: [kid], made: true })
      const left = await run(server, database, 'keys', 'list', '--json')
      expect(objects(left).map(({ state }) => state)).toEqual(['revoked', 'revoked', 'next'])
      // No command prints a private part.
      expect(JSON.stringify([left, ended, rotated])).not.toMatch(/"d":|private/)
    },
  )

  withDatabase('an agent server lists, searches, shows and revokes delegates and enrolments', async () => {
    const [database, server] = [url(), 'agent-server']
    const opened = await createAgentServer({ id: 'https://agent-server.example', database })
    await opened.close()
    const invited = await run(server, database, 'enrolments', 'invite', '--series', 'lab', '--count', '2')
    expect(objects(invited).map(({ enrollment }) => enrollment)).toEqual(['code:lab', 'code:lab'])
    const listed = await run(server, database, 'enrolments', 'list', '--json')
    expect(objects(listed)).toEqual([{ enrollment: 'code:lab', delegates: 0, revoked: 0, codes: 2 }])
    expect((await run(server, database, 'enrolments', 'list')).out[0]).toMatch(/code:lab +0 +0 +2$/)
    expect(objects(await run(server, database, 'enrolments', 'show', '--enrollment', 'code:lab', '--json'))).toEqual(
      objects(listed),
    )
    expect((await run(server, database, 'enrolments', 'show', '--enrollment', 'code:x')).code).toBe(1)
    expect((await run(server, database, 'enrolments', 'revoke', '--enrollment', 'code:lab', '--json')).code).toBe(1)
    expect((await run(server, database, 'enrolments', 'list')).err).toEqual(['there is nothing to list'])
    expect(await run(server, database, 'delegates', 'show', '--sub', 'x')).toMatchObject({
      err: ['there is no delegate with this sub'],
      code: 1,
    })
    expect((await run(server, database, 'delegates', 'list', '--search', 'x', '--json')).out).toEqual([])
    for (const act of ['revoke', 'reinstate'])
      expect((await run(server, database, 'delegates', act, '--sub', 'x', '--json')).code).toBe(1)
  })
})

test('a server whose keys do not rotate has none to rotate, and says so', async () => {
  const database = `sqlite:${folder}/fixed.db`
  const keys = [{ kid: 'k1', key: await generateSigningKey() }]
  await (await createAuthServer({ issuer: 'https://auth-server.example', keys, database })).close()
  expect(await run('auth-server', database, 'keys', 'list')).toMatchObject({
    err: ['there is nothing to list'],
    code: 1,
  })
  await expect(run('auth-server', database, 'keys', 'rotate')).rejects.toThrow(/no keys rotate here/)
})
