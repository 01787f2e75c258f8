import { AgentError, callbackRoute, createAgent, delegate, type View } from '@countersign/agent'
import { type Participants, type ScriptedUser, scriptedUser, startParticipants } from '@countersign/playground'
import { verifies } from '@countersign/requirements'
import { freeBase } from '@countersign/testing/ports'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { countersign, run } from './processes.fixture.js'

// A calendar reads an address book behind OAuth for its callers' users: a real provider, and who must not get through.

const redirectUri = 'http://127.0.0.1:9/callback'
let participants: Participants

beforeAll(async () => {
  participants = await startParticipants({
    base: await freeBase(),
    countersign,
    execArgv: [],
    onReady: () => undefined,
  })
})

afterAll(() => participants.stop())

/** A fresh delegate of the playground's agent. */
async function delegateOf(): Promise<ReturnType<typeof createAgent>> {
  const { agentServer, authServer, calendar } = participants.addresses
  const data = `${participants.folder}/agent-server`
  const { stdout } = await run(['agent-server', 'invite', '--id', agentServer, '--data', data, '--development'])
  const { code } = JSON.parse(stdout) as { code: string }
  return createAgent({
    identity: delegate({ agentServer, enroll: { type: 'code', code } }),
    acceptAuthServer: [authServer],
    identifyTo: [calendar],
    interact: callbackRoute({ redirectUri }),
    development: true,
  })
}

/** A browser. A redirect back to the agent is taken by its `view`; without a view it is kept in `back`. */
function browserOf(view: View | undefined, name: string): ScriptedUser & { readonly back: URL[] } {
  const back: URL[] = []
  const user = scriptedUser(name, async (input, init) => {
    const url = new URL(String(input))
    if (!url.href.startsWith(`${redirectUri}?`)) return fetch(input, init)
    back.push(url)
    return view === undefined ? new Response('') : Response.json(await view.handleCallback(url).catch(error => error))
  })
  return { ...user, back }
}

const birthdays = (view: View): Promise<Response> => view.fetch(`${participants.addresses.calendar}/birthdays`)

/** Where the user must go for this call. */
async function linkOf(view: View): Promise<string> {
  const error = await birthdays(view).then(
    async response => new Error(`answered ${response.status}: ${await response.text()}`),
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof AgentError) || error.url === undefined) throw error
  return error.url
}

/** Signed in at the auth server and agreed there: the next link is the calendar's own. */
async function atTheCalendar(view: View, user: ScriptedUser): Promise<string> {
  await user.decide(await linkOf(view), 'Allow')
  return linkOf(view)
}

async function namesFor(view: View): Promise<string[]> {
  const response = await birthdays(view)
  expect(response.status).toBe(200)
  const { birthdays: all } = (await response.json()) as { birthdays: Array<{ name: string }> }
  return all.map(({ name }) => name)
}

const howard = ['Howard Aiken']

test(
  verifies(
    'exchange.oauth',
    'INT-08',
    'who opens the link of another is stopped before the provider, and nothing is kept',
  ),
  async () => {
    const agent = await delegateOf()
    const [grace, ada] = [agent.forUser('grace'), agent.forUser('ada')]
    const graces = browserOf(grace, 'Grace Hopper')
    const link = await atTheCalendar(grace, graces)
    // Grace's agent sends its link to Ada, whose address book it would like to have.
    const victim = browserOf(undefined, 'Ada Lovelace')
    await expect(victim.decide(link, 'Allow')).rejects.toThrow('403')
    expect(victim.back).toEqual([])
    // The twin: Grace, by a link that she opens herself, sees her own. (A view joins what it asked a moment ago.)
    const again = agent.forUser('grace again')
    const other = browserOf(again, 'Grace Hopper')
    await other.decide(await atTheCalendar(again, other), 'Allow')
    expect(await namesFor(again)).toEqual(howard)
    // And Ada is asked for herself.
    const adas = browserOf(ada, 'Ada Lovelace')
    await adas.decide(await atTheCalendar(ada, adas), 'Allow')
    expect(await namesFor(ada)).toEqual(['Charles Babbage', 'Mary Somerville'])
  },
)

test(
  verifies(
    'exchange.oauth',
    'interaction.browser',
    'one browser cannot finish what another began, and no link works twice',
  ),
  async () => {
    const agent = await delegateOf()
    const grace = agent.forUser('grace')
    const user = browserOf(grace, 'Grace Hopper')
    const link = await atTheCalendar(grace, user)
    const first = await fetch(link, { redirect: 'manual' })
    expect(first.status).toBe(303)
    // The first browser that opens it owns it: the same user in another browser is too late.
    await expect(user.decide(link, 'Allow')).rejects.toThrow('400')
    expect(user.back.filter(url => url.searchParams.has('interaction'))).toEqual([])
    const again = agent.forUser('grace again')
    const other = browserOf(again, 'Grace Hopper')
    const own = await atTheCalendar(again, other)
    await other.decide(own, 'Allow')
    expect(await namesFor(again)).toEqual(howard)
    await expect(other.decide(own, 'Allow')).rejects.toThrow('400')
  },
)

test('a callback of the provider without the browser, the state or the path it belongs to stores nothing', async () => {
  const { calendar } = participants.addresses
  for (const target of [
    '/aauth/callback/address-book?code=x&state=y',
    '/aauth/callback/address-book',
    '/aauth/callback?code=x&state=y&iss=http%3A%2F%2Flocalhost',
  ]) {
    const response = await fetch(`${calendar}${target}`, { redirect: 'manual' })
    expect([target, response.status, response.headers.get('location')]).toEqual([target, 400, null])
    expect(response.headers.get('content-type')).toContain('text/html')
  }
  expect((await fetch(`${calendar}/aauth/callback/other?code=x&state=y`)).status).toBe(404)
})

test(
  verifies(
    'exchange.oauth',
    'a user who refuses at the provider sends the agent home with that, and can change their mind',
  ),
  async () => {
    const grace = (await delegateOf()).forUser('grace')
    const user = browserOf(grace, 'Grace Hopper')
    const link = await atTheCalendar(grace, user)
    // She let the calendar know who she is in a test before.
    const { heading } = await user.decide(link, 'Refuse')
    expect(heading).toBe('The calendar asks for your address book')
    expect(user.back.at(-1)?.searchParams.get('error')).toBe('access_denied')
    await user.decide(await linkOf(grace), 'Allow')
    expect(await namesFor(grace)).toEqual(howard)
  },
)

test(verifies('exchange.oauth', 'another delegate of the same agent, for the same user, asks anew'), async () => {
  const [phone, laptop] = [(await delegateOf()).forUser('grace'), (await delegateOf()).forUser('grace')]
  const user = browserOf(phone, 'Grace Hopper')
  await user.decide(await atTheCalendar(phone, user), 'Allow')
  expect(await namesFor(phone)).toEqual(howard)
  const other = browserOf(laptop, 'Grace Hopper')
  expect(await atTheCalendar(laptop, other)).toContain('/aauth/interact?')
  await other.decide(await linkOf(laptop), 'Allow')
  expect(await namesFor(laptop)).toEqual(howard)
})
