import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type AgentServerOptions, createAgentServer } from '@countersign/agent-server'
import { generateSigningKey, type ReplaySet, signRequest } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { sqliteFiles, temporaryFolder } from '@countersign/testing/folders'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { program } from '../../program.js'
import { enrollmentOf } from './enrollment.js'

const runCommand = async (argv: readonly string[]): Promise<void> => {
  await (await program('0', argv)).parseAsync(argv)
}

const folder = temporaryFolder()
const id = 'https://agent.example'

/** A server that started just now would ask to sign anew; what is tested here is not that. */
const replay: ReplaySet = { check: async () => 'fresh' }

let out: string[] = []
let err: string[] = []
beforeEach(() => {
  ;[out, err] = [[], []]
  vi.spyOn(console, 'log').mockImplementation(line => void out.push(String(line)))
  vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  vi.spyOn(console, 'error').mockImplementation(line => void err.push(String(line)))
})
afterEach(() => {
  vi.restoreAllMocks()
  process.exitCode = undefined
})

/** Runs one command and answers what it printed and its exit code. */
async function run(database: string, ...args: string[]) {
  ;[out, err] = [[], []]
  process.exitCode = undefined
  const [act = '', ...rest] = args
  const shared = ['--id', id, '--database', database]
  await runCommand(['node', 'countersign', 'agent-server', act, ...shared, ...rest])
  const code = process.exitCode ?? 0
  process.exitCode = undefined
  return { out, err, code }
}

const newFile = sqliteFiles()

/** The database of a server that was started. */
async function newDatabase(): Promise<string> {
  const database = newFile()
  const keys = [{ kid: 'k1', key: await generateSigningKey() }]
  await (await createAgentServer({ id, keys, database })).close()
  return database
}

/** Enrols at a server on the same database, as the server's own process would. */
async function enrol(database: string, enrollment: object, more: Partial<AgentServerOptions> = {}): Promise<number> {
  const own = await generateSigningKey()
  const keys = [{ kid: 'k1', key: await generateSigningKey() }]
  const server = await createAgentServer({ id, keys, knownKeys: 'replace', database, replay, ...more })
  const body = new TextEncoder().encode(JSON.stringify({ enrollment }))
  const headers = [
    ['host', 'agent.example'],
    ['content-type', 'application/json'],
  ] as const
  const signatureKey = { scheme: 'hwk', jwk: own.publicJwk } as const
  const url = `${id}/delegate/token`
  const signed = await signRequest({ method: 'POST', url, headers, body, key: own, signatureKey })
  const response = await server.handle({
    method: 'POST',
    target: '/delegate/token',
    headers: [...headers, ...signed],
    body,
  })
  await server.close()
  return response.status
}

const enrolByCode = (database: string, line = '') => enrol(database, { type: 'code', code: JSON.parse(line).code })

test(verifies('delegate.enrol.code', 'a series of codes enrols, is listed, and is revoked as one'), async () => {
  const database = await newDatabase()
  const invited = await run(database, 'invite', '--series', 'lab', '--count', '3')
  expect(invited.out.map(line => JSON.parse(line))).toEqual(
    Array.from({ length: 3 }, () => ({
      agent_server: id,
      sub: expect.stringMatching(/^[0-9a-f-]{36}$/),
      code: expect.stringMatching(/^[\w-]{32}$/),
      enrollment: 'code:lab',
      expires: expect.any(Number),
    })),
  )
  const phone = await run(database, 'invite', '--sub', 'phone')
  const [one, two, three] = invited.out
  expect([await enrolByCode(database, one), await enrolByCode(database, two)]).toEqual([200, 200])
  expect(await enrolByCode(database, phone.out[0])).toBe(200)
  const listed = await run(database, 'list', '--enrollment', 'code:lab', '--json')
  expect(listed.out.map(line => JSON.parse(line).enrollment)).toEqual(['code:lab', 'code:lab'])
  expect(await run(database, 'revoke', '--enrollment', 'code:lab')).toEqual({
    out: ['2 delegates revoked'],
    err: [],
    code: 0,
  })
  expect(await enrolByCode(database, three)).toBe(400)
  expect(await run(database, 'revoke', '--enrollment', 'code:lab')).toMatchObject({
    out: ['0 delegates revoked'],
    code: 1,
  })
  expect(await run(database, 'revoke', '--sub', 'phone', '--json')).toEqual({
    out: ['{"sub":"phone","delegates":1}'],
    err: [],
    code: 0,
  })
  expect(await run(database, 'reinstate', '--sub', 'phone', '--json')).toMatchObject({
    out: ['{"sub":"phone","reinstated":true}'],
    code: 0,
  })
  expect((await run(database, 'reinstate', '--sub', 'phone')).code).toBe(1)
})

test(verifies('LOG-03', 'each change of an operator is one record on stderr; listing is none'), async () => {
  const database = await newDatabase()
  const records: Array<Record<string, unknown>> = []
  vi.spyOn(process.stderr, 'write').mockImplementation(line => records.push(JSON.parse(String(line))) > 0)
  const told = async (...args: string[]): Promise<unknown[]> => {
    records.length = 0
    await run(database, ...args)
    return records.map(({ event, sub, enrollment, delegates }) => [event, sub ?? enrollment ?? delegates])
  }
  expect(await told('invite', '--sub', 'phone')).toEqual([['invited', 'phone']])
  expect(await told('invite', '--series', 'lab', '--count', '2')).toEqual([
    ['invited', expect.stringMatching(/^[0-9a-f-]{36}$/)],
    ['invited', expect.stringMatching(/^[0-9a-f-]{36}$/)],
  ])
  const [code = ''] = (await run(database, 'invite', '--sub', 'phone')).out
  expect(await enrolByCode(database, code)).toBe(200)
  expect(await told('list')).toEqual([])
  expect(await told('revoke', '--sub', 'phone')).toEqual([['revoked', 'phone']])
  expect(await told('revoke', '--sub', 'nobody')).toEqual([])
  expect(await told('reinstate', '--sub', 'phone')).toEqual([['reinstated', 'phone']])
  expect(await told('revoke', '--enrollment', 'code:lab')).toEqual([['enrollment_revoked', 'code:lab']])
  expect(await told('forget', '--unseen-for', '31')).toEqual([['forgotten', 0]])
  expect(records[0]).toMatchObject({ level: 'info', name: 'agent-server', msg: 'forgotten' })
  expect(JSON.stringify(records)).not.toContain(JSON.parse(code).code)
})

test('only delegates that have not been seen for long are forgotten', async () => {
  const database = await newDatabase()
  const { out: codes } = await run(database, 'invite', '--sub', 'a')
  expect(await enrolByCode(database, codes[0])).toBe(200)
  expect((await run(database, 'forget', '--unseen-for', '31')).out).toEqual(['0 delegates forgotten'])
  vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 32 * 86_400_000)
  expect((await run(database, 'forget', '--unseen-for', '31', '--json')).out).toEqual(['{"delegates":1}'])
  await expect(run(database, 'forget', '--unseen-for', '30')).rejects.toThrow('--unseen-for')
})

test('the table has one line for each delegate, and a note when there may be more', async () => {
  const database = await newDatabase()
  for (const sub of ['a', 'kitchen-tablet']) {
    const { out: codes } = await run(database, 'invite', '--sub', sub, '--series', 'home')
    expect(await enrolByCode(database, codes[0])).toBe(200)
  }
  await run(database, 'revoke', '--sub', 'a')
  const time = '\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ'
  const { out: printed, err: said } = await run(database, 'list')
  const [head, first, second] = printed.join('\n').split('\n')
  expect(head).toMatch(/^SUB {13}LABEL +ENROLMENT {2}CREATED +LAST SEEN +REVOKED$/)
  expect(first).toMatch(new RegExp(`^a +- +code:home  ${time}  ${time}  ${time}$`))
  expect(second).toMatch(new RegExp(`^kitchen-tablet  - +code:home  ${time}  ${time}  -$`))
  expect(said).toEqual([])
  expect((await run(database, 'list', '--limit', '1')).err).toEqual(['there may be more: --after a'])
  expect((await run(database, 'list', '--limit', '1', '--after', 'a', '--json')).out).toHaveLength(1)
})

test('contradicting options are refused before the database is opened', async () => {
  const database = `sqlite:${join(folder, 'never', 'agent.db')}`
  await expect(run(database, 'revoke')).rejects.toThrow('--sub or --enrollment')
  await expect(run(database, 'revoke', '--sub', 'a', '--enrollment', 'b')).rejects.toThrow('--sub or --enrollment')
  await expect(run(database, 'invite', '--sub', 'a', '--count', '2')).rejects.toThrow('--count')
  await expect(run(database, 'list', '--limit', '0')).rejects.toThrow('--limit')
  await expect(run(database, 'revoke', '--enrollment', '')).rejects.toThrow('--enrollment')
  await expect(run(database, 'revoke', '--sub', '')).rejects.toThrow('--sub')
})

test('a command for a server that does not exist is an error, and creates none', async () => {
  const database = newFile()
  for (const args of [
    ['list'],
    ['revoke', '--sub', 'a'],
    ['revoke', '--enrollment', 'code:a'],
    ['reinstate', '--sub', 'a'],
    ['invite', '--sub', 'a'],
    ['delegation', '--sub', 'a', '--delegation', 'none'],
  ])
    await expect(run(database, ...args), args.join(' ')).rejects.toThrow('there is no database of an agent server')
  expect(existsSync(database.slice('sqlite:'.length))).toBe(false)
  const made = await newDatabase()
  expect((await run(made, 'invite', '--sub', 'a')).code).toBe(0)
  expect((await run(made, 'list', '--json')).out).toEqual([])
})

test(
  verifies(
    'delegate.enrol.oidc',
    "OIDC rules of the configuration enrol delegates, and an operator's command accepts the same file",
  ),
  async () => {
    const database = await newDatabase()
    const { publicKey, privateKey } = await generateKeyPair('RS256')
    const jwksFile = join(mkdtempSync(join(folder, 'keys-')), 'jwks.json')
    writeFileSync(jwksFile, JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'k', alg: 'RS256' }] }))
    const issuer = 'https://kubernetes.default.svc.cluster.local'
    const rule = { issuer, name: 'prod', subjects: ['system:serviceaccount:prod:*'], audience: id, jwksFile }
    const config = join(mkdtempSync(join(folder, 'config-')), 'agent-server.yaml')
    writeFileSync(config, JSON.stringify({ tokenLifetime: 600, port: 4110, oidc: [rule] }))
    const signed = async (sub: string) =>
      new SignJWT({ iss: issuer, sub, aud: [id] })
        .setProtectedHeader({ alg: 'RS256', kid: 'k' })
        .setIssuedAt()
        .setExpirationTime('1h')
        .sign(privateKey)
    const enrolByToken = async (sub: string) =>
      enrol(database, { type: 'oidc', token: await signed(sub) }, enrollmentOf([rule]))
    expect(await enrolByToken('system:serviceaccount:staging:agent')).toBe(400)
    expect(await enrolByToken('system:serviceaccount:prod:agent')).toBe(200)
    const { out: listed } = await run(database, 'list', '--config', config, '--enrollment', 'oidc:prod', '--json')
    expect(listed.map(line => JSON.parse(line).sub)).toEqual(['oidc:prod#system:serviceaccount:prod:agent'])
    writeFileSync(config, JSON.stringify({ oidc: [{ ...rule, subjects: ['**'] }] }))
    await expect(run(database, 'list', '--config', config)).rejects.toThrow('wildcard')
    writeFileSync(config, JSON.stringify({ oidc: [{ ...rule, subject: 'x' }] }))
    await expect(run(database, 'list', '--config', config)).rejects.toThrow(
      'unknown option subject (did you mean subjects?) at oidc.0 in ',
    )
    writeFileSync(config, JSON.stringify({ oidc: [{ ...rule, jwksFile: join(folder, 'none') }] }))
    await expect(run(database, 'list', '--config', config)).rejects.toThrow('JWK Set')
  },
)

test('a server starts with each configuration in the documentation', async () => {
  const page = readFileSync(new URL('../../../../../docs/enrolment.md', import.meta.url), 'utf8')
  const blocks = [...page.matchAll(/^```yaml\n(id: [\s\S]*?)^```$/gm)].map(([, block = '']) => block)
  expect(blocks).toHaveLength(2)
  for (const block of blocks) {
    const config = join(mkdtempSync(join(folder, 'docs-')), 'agent-server.yaml')
    writeFileSync(config, block)
    expect((await run(await newDatabase(), 'invite', '--config', config)).out).toHaveLength(1)
  }
})

test('the JSON schema of the configuration describes OIDC rules', async () => {
  await runCommand(['node', 'countersign', 'schema', 'agent-server'])
  const { properties } = JSON.parse(out.join('\n'))
  expect(Object.keys(properties.oidc.items.properties)).toEqual([
    'issuer',
    'name',
    'subjects',
    'claims',
    'audience',
    'delegate',
    'algorithms',
    'delegation',
    'jwksUri',
    'jwksFile',
  ])
  expect(properties.oidc.items.required).toEqual(['issuer', 'subjects'])
})

test(
  verifies('policy.delegates', 'a delegation is read from a file, told in words, and refused where it is wrong'),
  async () => {
    const database = await newDatabase()
    const file = join(folder, 'delegation.yaml')
    writeFileSync(
      file,
      'conditions:\n  - { type: calls, max: 10, per: day }\nreceivers: [https://mail.example, https://auth.example]\n',
    )
    const invited = await run(database, 'invite', '--delegation', file)
    expect(JSON.parse(invited.out[0] ?? '')).toMatchObject({
      delegation: {
        conditions: [{ type: 'calls', max: 10, per: 'day' }],
        receivers: ['https://mail.example', 'https://auth.example'],
      },
    })
    expect(invited.err.join('\n')).toContain('At most 10 calls a day')
    for (const [content, why] of [
      ['conditions: [{ type: moon }]\nreceivers: [https://mail.example]', 'a type that is not known'],
      ['conditions: []', '"conditions" and "receivers"'],
      ['- 1', '"conditions" and "receivers"'],
    ] as const) {
      writeFileSync(file, content)
      await expect(run(database, 'invite', '--delegation', file)).rejects.toThrow(why)
    }
  },
)

test(
  verifies('policy.delegates', 'the delegation of a delegate is set and taken away, from its next renewal on'),
  async () => {
    const database = await newDatabase()
    const [code = ''] = (await run(database, 'invite', '--sub', 'phone')).out
    expect(await enrolByCode(database, code)).toBe(200)
    const file = join(folder, 'phone.yaml')
    writeFileSync(file, 'conditions: [{ type: calls, max: 10, per: day }]\nreceivers: [https://mail.example]\n')
    const set = ['delegation', '--sub', 'phone', '--delegation']
    const records: unknown[] = []
    vi.spyOn(process.stderr, 'write').mockImplementation(line => {
      const { event, sub } = JSON.parse(String(line))
      return records.push([event, sub]) > 0
    })
    expect(await run(database, ...set, file)).toEqual({
      out: [
        [
          'from the next renewal of phone on, the delegate may be used',
          '  At most 10 calls a day',
          '  at https://mail.example',
          'tokens that it has keep what they say until they end',
        ].join('\n'),
      ],
      err: [],
      code: 0,
    })
    expect(JSON.parse((await run(database, ...set, file, '--json')).out[0] ?? '')).toEqual({
      sub: 'phone',
      delegates: 1,
      delegation: { conditions: [{ type: 'calls', max: 10, per: 'day' }], receivers: ['https://mail.example'] },
    })
    expect((await run(database, ...set, 'none', '--json')).out).toEqual([
      '{"sub":"phone","delegates":1,"delegation":null}',
    ])
    expect((await run(database, ...set, 'none')).out).toEqual([
      'from the next renewal of phone on, the delegate has no conditions\ntokens that it has keep what they say until they end',
    ])
    expect(records).toEqual(Array.from({ length: 4 }, () => ['delegation_set', 'phone']))
    expect(await run(database, 'delegation', '--sub', 'tablet', '--delegation', 'none')).toEqual({
      out: ['there is no delegate with this sub'],
      err: [],
      code: 1,
    })
    writeFileSync(file, 'conditions: [{ type: calls, max: 1, per: grant }]\nreceivers: [https://mail.example]\n')
    await expect(run(database, ...set, file)).rejects.toThrow('calls per grant need an until')
    expect(records).toHaveLength(4)
  },
)
