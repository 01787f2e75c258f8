import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { createAuthServer } from '@countersign/auth-server'
import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { type AnyTables, openStore } from '@countersign/store'
import { sqliteFiles, temporaryFolder } from '@countersign/testing/folders'
import { closeServer, listenOn } from '@countersign/testing/listening'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { program } from '../../program.js'

const folder = temporaryFolder()
const newFile = sqliteFiles()
const [id, agent, calendar] = ['https://auth.example', 'https://agent.example', 'https://calendar.example']

let [out, err, log]: [string[], string[], string[]] = [[], [], []]
beforeEach(() => {
  vi.spyOn(console, 'log').mockImplementation(line => void out.push(String(line)))
  vi.spyOn(console, 'error').mockImplementation(line => void err.push(String(line)))
  const write = (text: unknown): boolean => log.push(String(text)) > 0
  vi.spyOn(process.stderr, 'write').mockImplementation(write)
})
afterEach(() => {
  vi.restoreAllMocks()
  process.exitCode = undefined
})

/** Runs one command and answers what it printed and its exit code. */
async function run(...args: string[]) {
  ;[out, err, log] = [[], [], []]
  process.exitCode = undefined
  const argv = ['node', 'countersign', 'auth-server', ...args]
  await (await program('0', argv)).parseAsync(argv)
  const code = process.exitCode ?? 0
  process.exitCode = undefined
  return { out, err, code }
}

/** The database of a server that was started, with one user and two grants. */
async function newDatabase(): Promise<string> {
  const database = newFile()
  const keys = [{ kid: 'k1', key: await generateSigningKey() }]
  await (await createAuthServer({ issuer: id, keys, database })).close()
  const store = await openStore<AnyTables>({ url: database, room: 'operator_test', migrations: [] })
  const now = Math.floor(Date.now() / 1000)
  const claims = JSON.stringify({ name: 'Ada\nLovelace', email: 'ada@corp.example' })
  const user = { sub: 'u1', issuer: 'account', subject: 'u1', claims, created: 0, last_login: 0, review: now }
  const times = { created: now, last_used: now }
  const common = { agent, agent_delegate: 'phone', resource: calendar, scope: 'events.read', ...times }
  await store.write(async tx => {
    await tx.insertInto('auth_server_users').values(user).execute()
    await tx
      .insertInto('auth_server_grants')
      .values({ refresh_hash: 'h1', id: 'g1', ...common, user_sub: 'u1' })
      .execute()
    await tx
      .insertInto('auth_server_grants')
      .values({ refresh_hash: 'h2', id: 'g2', ...common })
      .execute()
  })
  await store.close()
  return database
}

/** The flags that every command about this database has. */
const at = (database: string): string[] => ['--id', id, '--database', database, '--data', folder]

describe('an operator', () => {
  test('lists, searches and shows users, each name on its line', async () => {
    const place = at(await newDatabase())
    const { out: rows } = await run('users', 'list', ...place)
    expect(rows.join('\n').split('\n')).toEqual([
      expect.stringMatching(/^ {2}SUB +NAME +E-MAIL +CREATED +LAST SIGN-IN +BLOCKED$/),
      expect.stringMatching(
        /^ {2}u1 +Ada\S+Lovelace +ada@corp\.example +1970-01-01T00:00:00Z +1970-01-01T00:00:00Z +-$/,
      ),
    ])
    const found = await run('users', 'list', ...place, '--search', 'ADA', '--json')
    expect(found.out.map(line => JSON.parse(line).sub)).toEqual(['u1'])
    expect(await run('users', 'list', ...place, '--search', 'grace')).toEqual({
      out: [],
      err: ['there is nothing to list'],
      code: 1,
    })
    const shown = await run('users', 'show', ...place, '--user', 'u1', '--json')
    expect(JSON.parse(shown.out[0] ?? '')).toMatchObject({ sub: 'u1', sessions: 0, grants: 1, passkeys: [] })
    expect((await run('users', 'show', ...place, '--user', 'u1')).out[0]).toMatch(/^ {2}sub +u1\n/)
    expect(await run('users', 'show', ...place, '--user', 'x')).toMatchObject({
      err: ['there is no such user'],
      code: 1,
    })
  })

  test(verifies('revocation.written', 'blocks a user, which is recorded, and lets them in again'), async () => {
    const place = at(await newDatabase())
    expect(await run('users', 'block', ...place, '--user', 'u1', '--json')).toMatchObject({
      out: ['{"user":"u1","blocked":true,"changed":true,"grants":1}'],
      code: 0,
    })
    expect(JSON.parse(log[0] ?? '')).toMatchObject({ event: 'blocked', user: 'u1', grants: 1 })
    expect((await run('users', 'list', ...place, '--blocked', '--json')).out.length).toBe(1)
    expect((await run('users', 'unblock', ...place, '--user', 'u1')).out).toEqual(['the user may sign in again'])
    expect((await run('users', 'unblock', ...place, '--user', 'u1')).code).toBe(1)
    expect((await run('users', 'block', ...place, '--user', 'x')).code).toBe(1)
  })

  test(verifies('revocation.written', 'lists, shows and revokes grants'), async () => {
    const place = at(await newDatabase())
    const first = await run('grants', 'list', ...place, '--limit', '1', '--json')
    const [, next = ''] = /--after (\S+)$/.exec(first.err[0] ?? '') ?? []
    const second = await run('grants', 'list', ...place, '--limit', '1', '--after', next, '--json')
    expect([...first.out, ...second.out].map(line => JSON.parse(line).grant)).toEqual(['g1', 'g2'])
    expect(second.err).toEqual([])
    expect((await run('grants', 'list', ...place, '--user', 'u1')).out[0]?.split('\n').length).toBe(2)
    expect((await run('grants', 'list', ...place, '--resource', 'https://other.example')).code).toBe(1)
    expect((await run('grants', 'show', ...place, '--grant', 'g2')).out[0]).toContain('phone')
    expect((await run('grants', 'show', ...place, '--grant', 'x')).code).toBe(1)
    expect((await run('grants', 'revoke', ...place, '--grant', 'g2')).out).toEqual(['1 grant ended'])
    expect(await run('grants', 'revoke', ...place, '--agent', agent, '--json')).toMatchObject({
      out: [`{"agent":"${agent}","grants":1}`],
      code: 0,
    })
    expect((await run('grants', 'revoke', ...place, '--agent', agent)).code).toBe(1)
    await expect(run('grants', 'revoke', ...place)).rejects.toThrow('give --grant')
    await expect(run('grants', 'revoke', ...place, '--grant', 'g1', '--user', 'u1')).rejects.toThrow('leave out')
    await expect(run('grants', 'revoke', ...place, '--delegate', 'phone')).rejects.toThrow('delegate needs agent')
  })

  test('lists, shows and blocks agents, delegates and sites', async () => {
    const place = at(await newDatabase())
    expect((await run('agents', 'list', ...place, '--json')).out).toEqual([`{"agent":"${agent}","grants":2}`])
    expect((await run('agents', 'show', ...place, '--agent', 'https://other.example')).code).toBe(1)
    const blocked = await run('agents', 'block', ...place, '--agent', agent, '--delegate', 'phone')
    expect(blocked.out).toEqual([
      `delegate phone of ${agent} is blocked; grants ended: 2\nother instances of the server know within 5 seconds`,
    ])
    await run('agents', 'block', ...place, '--site', 'evil.example')
    const blocks = await run('agents', 'list', ...place, '--blocked', '--json')
    expect(blocks.out.map(line => JSON.parse(line))).toEqual([
      { agent, delegate: 'phone', blocked: expect.any(Number) },
      { site: 'evil.example', blocked: expect.any(Number) },
    ])
    expect((await run('agents', 'show', ...place, '--agent', agent)).out[0]).toContain('"delegate":"phone"')
    expect((await run('agents', 'unblock', ...place, '--site', 'evil.example')).out).toEqual([
      'the site evil.example may ask again',
    ])
    expect((await run('agents', 'unblock', ...place, '--agent', agent)).code).toBe(1)
    await expect(run('agents', 'block', ...place)).rejects.toThrow('give either --agent')
    await expect(run('agents', 'block', ...place, '--site', 'co.uk')).rejects.toThrow('is no site')
    await expect(run('agents', 'block', ...place, '--agent', 'agent.example')).rejects.toThrow('agent')
  })

  test('invites by both names of the command', async () => {
    const place = at(await newDatabase())
    for (const command of [['users', 'invite'], ['invite']])
      expect((await run(...command, ...place)).out[0]).toMatch(/^https:\/\/auth\.example\/account\/new\?invitation=/)
  })

  test('cannot work on a database that is not there, or of another command', async () => {
    for (const command of [
      ['users', 'list'],
      ['grants', 'revoke', '--agent', agent],
    ])
      await expect(run(...command, ...at(newFile()))).rejects.toThrow('there is no database of an auth server')
    await expect(run('users', 'list', '--database', newFile())).rejects.toThrow('--id is required')
  })
})

describe('policy test', () => {
  const config = join(folder, 'auth.json')
  writeFileSync(
    config,
    JSON.stringify({
      id,
      port: 8080,
      passkeys: 'invitation',
      grants: [
        { agent: 'https://other.example', resource: calendar, scopes: ['events.read'] },
        { agent, delegates: 'any', resource: calendar, scopes: ['events.read'] },
      ],
      ask: [{ agents: 'any', resources: [calendar], scopes: ['events.read', 'events.write', 'openid'] }],
      deny: { sites: ['evil.example'], users: ['u2'] },
    }),
  )
  const tested = async (...flags: string[]) => {
    const { out: lines, code } = await run(
      'policy',
      'test',
      '--config',
      config,
      '--resource',
      calendar,
      ...flags,
      '--json',
    )
    return [JSON.parse(lines[0] ?? ''), code]
  }

  test('says what is decided, and which rule does', async () => {
    expect(await tested('--agent', agent, '--scope', 'events.read')).toEqual([
      { decision: 'direct', by: ['grants.1'] },
      0,
    ])
    expect(await tested('--agent', agent, '--scope', 'events.read events.write')).toEqual([
      { decision: 'consent', by: ['ask.0'] },
      0,
    ])
    expect(await tested('--agent', agent, '--scope', 'events.delete')).toEqual([
      { decision: 'deny', by: [], reason: 'policy_refused' },
      1,
    ])
    const evil = ['--agent', 'https://a.evil.example', '--scope', 'events.read']
    expect(await tested(...evil)).toEqual([{ decision: 'deny', by: ['deny.sites'], reason: 'caller_blocked' }, 1])
    expect(await tested('--agent', agent, '--scope', 'events.write', '--user', 'u2')).toMatchObject([
      { by: ['deny.users'] },
      1,
    ])
    expect(await tested('--agent', agent, '--scope', 'events.write', '--user', 'u1')).toMatchObject([
      { decision: 'consent', by: ['ask.0'] },
      0,
    ])
    const text = await run(
      'policy',
      'test',
      '--config',
      config,
      '--resource',
      calendar,
      '--agent',
      agent,
      '--scope',
      'x',
    )
    expect(text.out[0]).toContain('no rule allows it')
    await expect(tested('--agent', 'agent.example', '--scope', 'x')).rejects.toThrow('--agent')
  })

  test('names the policies in Cedar that decide', async () => {
    const policiesFile = join(folder, 'policies.cedar')
    writeFileSync(
      policiesFile,
      `permit (principal, action == Action::"consent", resource) when { context.scope.contains("events.read") };
       @id("readers only") forbid (principal, action, resource) when { context.scope.contains("events.write") };`,
    )
    const cedarConfig = join(folder, 'cedar.json')
    writeFileSync(cedarConfig, JSON.stringify({ id, port: 8080, passkeys: 'invitation', cedar: { policiesFile } }))
    const judged = async (scope: string) => {
      const place = ['--config', cedarConfig, '--agent', agent, '--resource', calendar]
      return JSON.parse((await run('policy', 'test', ...place, '--scope', scope, '--json')).out[0] ?? '')
    }
    expect(await judged('events.read')).toEqual({ decision: 'consent', by: ['cedar.policy0'] })
    expect(await judged('events.read events.write')).toEqual({
      decision: 'deny',
      by: ['cedar.readers only'],
      reason: 'policy_refused',
    })
    expect(await judged('events.list')).toEqual({ decision: 'deny', by: [], reason: 'policy_refused' })
  })

  test('tells what a decision point says to its administrators', async () => {
    const point = createServer((_request, response) => {
      const answer = { decision: false, context: { reason_admin: { en: 'rule 7: no robots' } } }
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
    })
    const url = `http://127.0.0.1:${await listenOn(point)}`
    onTestFinished(() => closeServer(point))
    const place = ['--id', 'http://localhost:1', '--development', '--agent', agent, '--resource', calendar]
    const authzenConfig = join(folder, 'authzen.json')
    writeFileSync(authzenConfig, JSON.stringify({ authzen: { url, deadline: 10 } }))
    const { out, code } = await run('policy', 'test', '--config', authzenConfig, ...place, '--scope', 'x', '--json')
    expect([JSON.parse(out[0] ?? ''), code]).toEqual([
      { decision: 'deny', by: ['authzen: rule 7: no robots'], reason: 'policy_refused' },
      1,
    ])
  })
})
