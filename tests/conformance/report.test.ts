import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, connect, createServer as createTcpServer, type Server } from 'node:net'
import { afterAll, expect, test } from 'vitest'
import { stand } from '../processes.fixture.js'
import { judge, playedParticipants } from './judged.fixture.js'
import type { Mutant } from './mutants.fixture.js'
import { startSite } from './site.fixture.js'

// What a reader gets of resources that are broken in one way each: the cause first, and little text.

const place = stand()
const servers: Server[] = []
afterAll(async () => {
  for (const server of servers) server.close()
  await place.stop()
})

async function listening(server: Server): Promise<number> {
  servers.push(server)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

/** A resource that answers everything alike. */
async function alike(answer: RequestListener): Promise<string> {
  return `http://127.0.0.1:${await listening(createServer(answer))}`
}

const routes = ['anonymous GET /public', 'pseudonymous GET /feed', 'pseudonymous POST /notes', 'identified GET /agenda']
const offers = async () => ({ routes, participants: await playedParticipants() })
const groups = ['signature', 'covered', 'time', 'replay'].flatMap(name => ['--group', name])

const linesOf = (text: string): string[] => text.trimEnd().split('\n')

/** All lines fit into a terminal, but the bytes of messages. */
function expectNarrow(text: string): void {
  expect(linesOf(text).filter(line => line.length > 80 && !/^ {3}[<>|] /.test(line))).toEqual([])
}

test('a resource that refuses everything has one cause: its answer to the controls', async () => {
  const body = JSON.stringify({ error: 'invalid_signature', reason: 'signature_wrong' })
  const url = await alike((_, response) => response.writeHead(401, { 'agent-auth': 'httpsig' }).end(body))
  const { code, stdout, checks } = await judge(place, ['resource', url], await offers())
  expect(code).toBe(1)
  expect(checks.causes).toMatchObject([
    { kind: 'control', sentence: 'It answers 401 invalid_signature signature_wrong to requests that are right.' },
  ])
  const { failed = 0 } = checks.counts
  expect(failed).toBeGreaterThan(200)
  expect(checks.causes[0]?.cases).toHaveLength(failed)
  expect(stdout).toContain(`${failed} of ${checks.checks.length} cases failed, by 1 cause.\n`)
  expect(stdout).toContain(`   Mend this first: ${failed} cases could not decide.\n`)
  expect(stdout).toMatch(/\n {3}level\.anonymous, .*,\n(?: {3}.*\n)* {3}.* and \d+ more\n\n/)
  expect(stdout).toContain('\n   < HTTP/1.1 401 Unauthorized\n')
  expect(linesOf(stdout).length).toBeLessThanOrEqual(60)
  expectNarrow(stdout)
})

test('a resource that answers everything with nothing takes requests without a signature, and that comes first', async () => {
  const url = await alike((_, response) => response.writeHead(200).end())
  const { code, stdout, checks } = await judge(place, ['resource', url, ...groups], await offers())
  expect(code).toBe(1)
  const [first, ...others] = checks.causes
  expect(first).toMatchObject({
    kind: 'checks nothing',
    sentence: 'It accepts requests without a signature, and with them what must be refused.',
  })
  expect(first?.cases.length).toBeGreaterThan(30)
  expect(others.every(({ kind, cases }) => kind === 'wrong' && cases.length === 1)).toBe(true)
  expect(stdout).toMatch(/^1\. It accepts requests without a signature/m)
  expect(linesOf(stdout).length).toBeLessThanOrEqual(90)
  expectNarrow(stdout)
})

test('a resource that dies in the middle: the report names the last request before that', async () => {
  const { url, configuration } = await startSite(place, 'node')
  // Before the site stands what ends after some connections.
  let left = 60
  const proxy = createTcpServer(socket => {
    const up = connect(Number(new URL(url).port), '127.0.0.1')
    for (const one of [socket, up]) one.on('error', () => socket.destroy())
    socket.pipe(up).pipe(socket)
    left -= 1
    if (left === 0) proxy.close()
  })
  const own = `http://127.0.0.1:${await listening(proxy)}`
  const secret = 'a text of at least sixteen characters'
  const { code, stdout, checks } = await judge(place, ['resource', own, ...groups], {
    ...configuration,
    id: url,
    keySecret: secret,
  })
  expect(code).toBe(1)
  expect(checks.causes).toHaveLength(1)
  expect(checks.causes[0]).toMatchObject({ kind: 'unreachable' })
  expect(checks.counts['passed']).toBeGreaterThan(2)
  const from = checks.causes[0]?.cases[0]?.id
  expect(stdout).toContain('1. It cannot be reached: no connection: ')
  expect(stdout).toContain(
    `   Mend this first: ${checks.counts['failed']} cases could not decide. The first is ${from}.\n`,
  )
  expect(stdout).toMatch(/\n {3}The last request before that, of [\w.-]+: .*\n(?: {5}.*\n)* {3}> (?:GET|POST) \//)
  expect(linesOf(stdout).length).toBeLessThanOrEqual(60)
  expectNarrow(stdout)
})

const mutant: Mutant = {
  lacks: 'a look at old signatures',
  file: 'httpsig/dist/signature/times.js',
  find: 'now - created > tolerance',
  replace: 'false',
  fails: ['TIM-03'],
}

test('a resource that lacks one check has one cause, and each case says what it tried', async () => {
  const { url, configuration } = await startSite(place, 'node', { mutant })
  const { code, stdout, stderr, checks } = await judge(place, ['resource', url, ...groups], configuration)
  expect(code).toBe(1)
  expect(checks.causes).toMatchObject([
    { kind: 'wrong', sentence: 'It accepts what must be refused: 401 invalid_signature.' },
  ])
  const ids = checks.causes[0]?.cases.map(({ id }) => id) ?? []
  expect(ids).toContain('TIM-03')
  expect(stdout).toMatch(/^FAILED {3}TIM-03: /m)
  expect(stdout).toMatch(/^ {3}TIM-03 +created is .* ago/m)
  expect(stdout).toMatch(/^ {3}< HTTP\/1\.1 200 OK$/m)
  expect(linesOf(stdout).length).toBeLessThanOrEqual(60)
  expectNarrow(stdout)
  // No terminal: no line of progress.
  expect(stderr).toBe('')
  const whole = await judge(place, ['resource', url, '-v', '--only', 'TIM-03', '--only', 'COV-04'], configuration)
  expect(whole.stdout).toMatch(/^ok {7}COV-04 /m)
  expect(whole.stdout).toMatch(/^--- TIM-03: [\s\S]*^> GET \/feed HTTP\/1\.1$/m)
  expect(whole.stdout).toContain('level core: not reached (1 passed; failed: TIM-03; undecided: ')
})

test('a resource that lacks nothing has no cause, and its report few lines', async () => {
  const { url, configuration } = await startSite(place, 'node')
  const { code, stdout, checks } = await judge(place, ['resource', url, '--group', 'time'], configuration)
  expect([code, checks.causes]).toEqual([0, []])
  expect(stdout).toMatch(/^(not applicable: .*\n(?: {2}.*\n)*)?\d+ passed, 0 failed, /)
  expect(linesOf(stdout).length).toBeLessThanOrEqual(20)
})
