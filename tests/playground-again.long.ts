import { createAgent, delegate } from '@countersign/agent'
import { loopback } from '@countersign/agent/node'
import { type ScriptedUser, scriptedUser } from '@countersign/playground'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Scoreboard } from '../apps/playground/src/attacks/contract.js'
import type { BesideOverview } from '../apps/playground/src/beside/contract.js'
import type { House, StoryRun } from '../apps/playground/src/explorer/contract.js'
import type { Invited, VisitorState } from '../apps/playground/src/visitor/contract.js'
import { startPlayground } from './playground-place.fixture.js'
import { type Stand, stand } from './processes.fixture.js'

// One playground on which everything is done that a visitor can do: each story is right every time, in any order.

let place: Stand
let base: number
let house: House

beforeAll(async () => {
  place = stand()
  base = await startPlayground(place)
  house = await get<House>('house')
}, 60_000)
afterAll(() => place.stop())

const own = (): string => `http://localhost:${base}`
const at = (offset: number): string => `http://localhost:${base + offset}`
const authServers = (): readonly string[] => [at(20), at(21)]

async function get<T>(path: string): Promise<T> {
  return (await (await fetch(`${own()}/api/${path}`)).json()) as T
}

async function post<T>(path: string, body: object = {}): Promise<T> {
  const headers = { origin: own(), 'content-type': 'application/json' }
  const response = await fetch(`${own()}/api/${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
  expect(response.ok, `${path} answers ${response.status}`).toBe(true)
  return (await response.json()) as T
}

/** Waits until what a path answers fits. */
async function until<T>(path: string, fits: (value: T) => boolean): Promise<T> {
  for (const end = performance.now() + 120_000; performance.now() < end; ) {
    const value = await get<T>(path)
    if (fits(value)) return value
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  return expect.fail(`${path} never gets there`)
}

/** Plays a story; resolves with what was not right. */
async function play(story: string): Promise<readonly string[]> {
  const { body } = await fetch(`${own()}/api/events`)
  await post(`stories/${story}`)
  let heard = ''
  for await (const part of body?.pipeThrough(new TextDecoderStream()) ?? []) {
    heard += part
    if (heard.includes(`"story":"${story}","state":"ended"`)) break
  }
  const { ok, checks } = await get<StoryRun>(`stories/${story}`)
  const wrong = checks.filter(check => !check.ok).map(({ title, seen }) => `${story}: ${title}: ${seen}`)
  return ok === true || wrong.length > 0 ? wrong : [`${story}: nothing was checked`]
}

async function playAll(names: readonly string[]): Promise<readonly string[]> {
  const wrong: string[] = []
  for (const name of names) wrong.push(...(await play(name)))
  return wrong
}

/** The visitor's own browser, in which they are one of the demo users. */
function visitor(name: string): ScriptedUser {
  return scriptedUser(name, (url, init) =>
    fetch(url, { ...init, headers: { ...(init?.headers as Record<string, string>), 'user-agent': 'Mozilla/5.0' } }),
  )
}

/** Lets the assistant call, and answers what it asks, one question after another. */
async function call(
  kind: 'event' | 'payment',
  ...answers: ReadonlyArray<(link: string) => Promise<unknown>>
): Promise<void> {
  await post('visitor/call', { kind, isNew: true })
  let before = ''
  for (const answer of answers) {
    const isAsked = ({ call }: VisitorState): boolean => (call?.question?.url ?? before) !== before
    const { call: asking } = await until<VisitorState>('visitor', isAsked)
    before = asking?.question?.url ?? ''
    await answer(before)
  }
  await until<VisitorState>('visitor', ({ call }) => call?.state === 'ended')
}

async function operator(act: string, on = ''): Promise<void> {
  await until<VisitorState>('visitor', ({ operator: { isBusy } }) => !isBusy)
  await post('visitor/operator', { act, on })
}

/** Starts the delegate that calls every second, and does something to it once the lists show it. */
async function toHeartbeat(act: string, on: (state: VisitorState) => string | undefined): Promise<void> {
  await post('visitor/heartbeat', { on: true })
  await until<VisitorState>('visitor', ({ heartbeat }) => heartbeat.beats.some(({ status }) => status === 200))
  await post('visitor/operator/refresh')
  const state = await until<VisitorState>('visitor', value => on(value) !== undefined)
  await operator(act, on(state))
  await post('visitor/heartbeat', { on: false })
}

const ada = () => visitor('Ada Lovelace')
const beating = ({ heartbeat, operator }: VisitorState): string | undefined =>
  operator.delegates.find(({ sub }) => sub === heartbeat.delegate)?.sub

const acts: ReadonlyArray<readonly [what: string, act: () => Promise<unknown>]> = [
  ['refuses', () => call('event', link => ada().decide(link, 'Refuse'))],
  ['allows, and stays', () => call('event', link => ada().decide(link, 'Allow'))],
  [
    'tells the agent to stop asking',
    async () => {
      const user = ada()
      await call(
        'payment',
        link => user.decide(link, 'Allow'),
        link => user.follow(link, ['No, and stop asking']),
      )
    },
  ],
  ['turns the inbox on', () => ada().follow(`${at(21)}/account/approvals`, ['Ada Lovelace', 'Turn the inbox on'])],
  ['blocks the delegate', () => toHeartbeat('block-delegate', beating)],
  ['revokes the delegate', () => toHeartbeat('revoke-delegate', beating)],
  [
    'revokes its grant',
    () =>
      toHeartbeat(
        'revoke-grant',
        ({ heartbeat, operator }) => operator.grants.find(({ delegate }) => delegate === heartbeat.delegate)?.grant,
      ),
  ],
  ['blocks the whole agent', () => operator('block-agent')],
  [
    'takes everything back',
    async () => {
      await call('event', link => ada().decide(link, 'Allow'))
      await ada().account(at(20), 'Take everything back from all agents')
    },
  ],
  ['signs out', () => ada().follow(`${at(20)}/logout`, [])],
  ['deletes the accounts', () => Promise.all(authServers().map(server => ada().deleteAccount(server)))],
  ['connects Ada with the account of somebody else', connectOthers],
  [
    'runs all attacks',
    async () => {
      await post('attacks')
      const board = await until<Scoreboard>('scoreboard', ({ state }) => state === 'ended')
      expect(board.results.filter(({ verdict }) => verdict !== 'held')).toEqual([])
    },
  ],
  [
    'plays everything beside OAuth',
    async () => {
      for (const { dimension } of (await get<BesideOverview>('beside')).results) {
        await post(`beside/${dimension}`)
        await until<{ state: string }>(`beside/${dimension}`, ({ state }) => state === 'ended')
      }
    },
  ],
]

/** Brings an own agent, which books a room: at the auth server of rooms, Ada is Grace. */
async function connectOthers(): Promise<void> {
  const { forms } = await post<Invited>('visitor/invitations', { label: 'Own' })
  const [, code = ''] = /--code '?([\w-]+)/.exec(forms[0]?.text ?? '') ?? []
  const user = ada()
  const visits = [
    (link: string) => user.decide(link, 'Allow'),
    (link: string) => user.follow(link, ['Grace Hopper', 'Allow', 'Connect', 'Allow']),
  ]
  const day = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10)
  const agent = createAgent({
    identity: delegate({ agentServer: at(10), enroll: { type: 'code', code } }),
    interact: loopback({ open: async link => void (await visits.shift()?.(link)) }),
    acceptAuthServer: authServers(),
    identifyTo: [at(30)],
    development: true,
  })
  const response = await agent.forUser('own').fetch(`${at(30)}/events?room=garden`, {
    method: 'POST',
    body: JSON.stringify({ summary: 'Chess', start: day, end: day }),
    headers: { 'content-type': 'application/json' },
  })
  expect(response.status).toBe(201)
}

const names = (): string[] => house.stories.map(({ name }) => name)
/** Stories with users who decide. */
const withUsers = ['user-consent', 'multi-hop', 'approval']

test('every story is right, in the order of the page', async () => {
  expect(await playAll(names())).toEqual([])
}, 400_000)

test.each(acts)(
  'stories are right after a visitor %s',
  async (_, act) => {
    await act()
    expect(await playAll(withUsers)).toEqual([])
  },
  400_000,
)

test('every story is right once more, in reverse, after all of that', async () => {
  expect(await playAll(names().reverse())).toEqual([])
}, 400_000)

test('all starts afresh: nothing is left of what was played, allowed or made, and stories are right', async () => {
  await call('event', link => ada().decide(link, 'Allow'))
  expect((await ada().account(at(20))).agents).toHaveLength(1)
  const before = await (await fetch(`${at(20)}/.well-known/aauth-issuer`)).json()
  const keys = async (): Promise<string> => (await fetch(String(before.jwks_uri))).text()
  const old = await keys()
  await post('afresh')
  expect(await keys()).not.toBe(old)
  expect(await get<VisitorState>('visitor')).toMatchObject({ call: null, agents: [] })
  expect((await get<StoryRun>('stories/climb')).state).toBe('waiting')
  expect((await ada().account(at(20))).agents).toEqual([])
  expect(await playAll(['climb', ...withUsers])).toEqual([])
}, 400_000)

test('another site cannot make all start afresh', async () => {
  const response = await fetch(`${own()}/api/afresh`, { method: 'POST', headers: { origin: 'https://evil.example' } })
  expect(response.status).toBe(403)
})
