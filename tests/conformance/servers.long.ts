import { freePort } from '@countersign/testing/ports'
import { afterAll, expect, test } from 'vitest'
import { executablePath, when, why } from '../chromium.fixture.js'
import { stand } from '../processes.fixture.js'
import { startAuthServer } from './auth-server.fixture.js'
import { inGroups, judge, withVerdict } from './judged.fixture.js'
import { startDelegate } from './servers.fixture.js'

// Users and agents of other kinds than those of ours.long.ts, which judges all of ours by all cases.

const place = stand()
afterAll(() => place.stop())

/** What only `--slow` decides about an auth server. */
const slowCases = [
  'TOK-15: it waits for 65 s: --slow runs it',
  'consent.device-guesses: the second user types in no code for 10 minutes then: --slow runs it',
]

const userInChromium = {
  chromium: executablePath,
  arguments: ['--no-sandbox', '--disable-background-networking'],
  signIn: ['Ada'],
  signInOther: ['Grace'],
  allow: ['Allow', 'Approve once', 'Connect'],
  refuse: ['Refuse', 'No'],
  enter: 'Continue',
}

when(
  `a user in Chromium decides as one by a command does${why}`,
  async () => {
    const { url, configuration } = await startAuthServer(place)
    const offers = { ...configuration, user: userInChromium }
    const groups = inGroups('code', 'forgery', 'device', 'approval', 'link')
    const { code, checks } = await judge(place, ['auth-server', url, ...groups], offers)
    expect(['failed', 'warning', 'not applicable'].flatMap(verdict => withVerdict(checks, verdict))).toEqual([])
    expect(withVerdict(checks, 'skipped')).toEqual(slowCases)
    expect(code).toBe(0)
    const late = await judge(place, ['auth-server', url, '--group', 'late answers', '--slow'], offers)
    expect(withVerdict(late.checks, 'passed')).toHaveLength(5)
    expect(late.code).toBe(0)
  },
  900_000,
)

test('a delegate conforms as an agent, and refreshes its tokens', async () => {
  const { command, configuration } = await startDelegate(place)
  const groups = inGroups('resource tokens', 'token answers', 'consent')
  const { code, checks } = await judge(place, ['agent', ...groups, '--', ...command], configuration)
  expect(['failed', 'skipped'].flatMap(verdict => withVerdict(checks, verdict))).toEqual([])
  // A command has one user.
  expect(withVerdict(checks, 'not applicable')).toEqual(['agent.tokens.per-user: otherUser is not declared'])
  expect(code).toBe(0)
})

test('an agent that signs nothing does not pass', async () => {
  const participants = { authServer: { port: await freePort() }, otherAuthServer: { port: await freePort() } }
  const plain = [
    process.execPath,
    '-e',
    'fetch(process.argv.at(-1)).then(answer => process.exit(answer.ok ? 0 : 1))',
    '--',
  ]
  const { code, checks } = await judge(place, ['agent', '--only', 'sig.covered.always', '--', ...plain], {
    participants,
  })
  expect(code).toBe(1)
  expect(withVerdict(checks, 'failed')[0]).toMatch(/sig\.covered\.always: could not decide/)
})
