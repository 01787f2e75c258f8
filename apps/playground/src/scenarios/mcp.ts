import type { Agent } from '@countersign/agent'
import { loopback } from '@countersign/agent/node'
import type { TracedExchange } from '@countersign/server'
import { asIfNoneExpired, requestTypes, type Stage } from '../stage.js'
import { type Called, type ToolsClient, toolsClient } from '../tools-client.js'
import { type ToolsUser, toolsUser } from '../tools-user.js'
import type { VerifiedFacts } from '../verified-facts.js'

/** The story under way. */
interface Scene {
  readonly stage: Stage
  readonly client: ToolsClient
  readonly ada: ToolsUser
  /** The delegate that signs. */
  readonly sub: string
}

/** Tools of an MCP server: the agent answers the challenge of each, and the client is asked for what other resources need. */
export async function mcp(stage: Stage): Promise<void> {
  const ada = toolsUser(stage.user('Ada Lovelace'))
  const { agent, sub } = await delegateOf(stage, ada)
  const url = endpointOf(stage)
  const client = await toolsClient({ url, agent, revision: '2026-07-28', visit: ada.visit })
  const scene = { stage, client, ada, sub }
  try {
    await discovers(scene)
    const user = await stepsUp(scene)
    await goesFurther(scene, user)
    const paid = await approvesEach(scene)
    const other = await delegateOf(stage, ada)
    await asksWithoutClient(stage, other.agent, ada)
    await keepsOthersOut(stage, { agent, other: other.agent, paid })
    await speaksTheOldRevision(stage, agent)
  } finally {
    await client.close()
  }
}

function endpointOf({ participants }: Stage): string {
  return `${participants.addresses.tools}/mcp`
}

/** A new delegate, which opens the browser of its user by itself. */
async function delegateOf(stage: Stage, { open }: ToolsUser): Promise<{ agent: Pick<Agent, 'fetch'>; sub: string }> {
  const { code, sub } = await stage.invite()
  return { agent: stage.delegate(code, undefined, loopback({ open })).forUser('ada'), sub }
}

async function discovers({ stage, client, sub }: Scene): Promise<void> {
  const { tools, agentServer } = stage.participants.addresses
  const [first, ...more] = (await stage.messages()).filter(isAbout('server/discover', tools))
  stage.expect('a client that is not identified is refused', first?.response.status, 401)
  stage.expect('and told what is missing', headerOf(first, 'agent-auth'), 'httpsig; identity=?1')
  stage.expect('its agent identifies itself, and the server answers', more.at(-1)?.response.status, 200)
  stage.expect('by revision 2026-07-28', client.revision, '2026-07-28')
  stage.expect('it is the server of these tools', client.server, 'playground-tools')
  stage.expect(
    'and says that it speaks AAuth',
    Object.keys(client.extensions).join(),
    'io.github.countersign-dev/aauth',
  )
  stage.expect(
    'the list names what each tool requires, and which ones the agent cannot use yet',
    (await client.list()).join(', '),
    'what_time identified yes, remember authorized notes.write not yet, plan authorized plans.write not yet, pay authorized payments.make not yet',
  )
  const { said } = await client.call('what_time')
  stage.expect(
    'an identified caller may ask for the time',
    `${said['agent']} ${said['delegate']}`,
    `${agentServer} ${sub}`,
  )
}

/** A tool that needs consent itself: the agent gets the challenge, and sends its user. Returns who the user is to the tools. */
async function stepsUp({ stage, client, ada }: Scene): Promise<unknown> {
  const { tools, agentServer, authServer } = stage.participants.addresses
  const note = 'Charles likes his tea strong'
  const { said, steps } = await client.call('remember', { note })
  stage.expect('a tool that needs the user’s consent: one call', said['remembered'], note)
  stage.expect('the agent was challenged, and sent its user to the auth server', steps.includes('interact'), true)
  const [asked] = ada.byAgent
  stage.expect('she saw who asks for what', asked?.heading, asksFor(agentServer, tools))
  stage.expect('in the words of the tools', asked?.choices.join(), 'Remember things for you')
  const user = said['user'] as VerifiedFacts['user']
  stage.expect('the note is hers', user?.iss, authServer)
  await client.call('remember', { note: 'and no sugar' })
  stage.expect('a second call passes, and nobody is asked again', ada.byAgent.length, 1)
  const [, remember, plan] = await client.list()
  stage.expect(
    'the list says so now, and still for the others',
    [remember, plan].join(', '),
    'remember authorized notes.write yes, plan authorized plans.write not yet',
  )
  return user?.sub
}

/** A tool that calls the calendar: the consent for that is asked of the client, by a request for input. */
async function goesFurther({ stage, client, ada, sub }: Scene, user: unknown): Promise<void> {
  const { tools, calendar, agentServer } = stage.participants.addresses
  const plan = { summary: 'Tea with Charles', day: '2026-12-26' }
  const { said, sent } = await client.call('plan', plan)
  stage.expect('a tool that calls the calendar for its user: one call', said['summary'], plan.summary)
  stage.expect(
    'the user was asked for the tool, by the agent',
    ada.byAgent.at(-1)?.choices.includes('Make plans for you'),
    true,
  )
  const [question] = ada.byClient
  const host = new URL(tools).host
  stage.expect('the client was asked for input, with a link to the tools', question?.host, host)
  stage.expect('of which it showed the host alone', question?.message, `${host} has a question for you`)
  stage.expect('there the user was asked, by the tools, for the calendar', question?.heading, asksFor(tools, calendar))
  stage.expect('in the words of the calendar', question?.choices.join(), 'Add events to your calendar')
  stage.expect('then the client repeated its request', sent.length, 2)
  const facts = said['by'] as VerifiedFacts
  stage.expect('the calendar sees the tools', facts.agent, tools)
  stage.expect('for the very same user', facts.user?.sub, user)
  stage.expect('with the scope she allowed', facts.scope.join(' '), 'events.write')
  const [actor] = facts.chain
  stage.expect('and on whose behalf', `${actor?.agent} ${actor?.agent_delegate}`, `${agentServer} ${sub}`)
  const types = 'auth code auth code exchange code'
  stage.expect(
    'two token requests for each of the two tools, and two for the exchange',
    asIfNoneExpired(requestTypes(await stage.messages()), types),
    types,
  )
  await client.call('plan', { ...plan, day: '2026-12-27' })
  stage.expect('a second call passes, and nobody is asked', `${ada.byAgent.length} ${ada.byClient.length}`, '2 1')
  const trace = await stage.trace(facts.txn ?? '')
  // The tools belong to it as long as their token need not be refreshed: tokens live for seconds here.
  const names = trace.names.filter(name => name !== 'tools').join(' ')
  stage.expect('the logs of the other participants show one action', names, 'auth-server calendar')
}

/** A tool whose calls of rooms a user approves one by one. Returns the first call. */
async function approvesEach({ stage, client, ada }: Scene): Promise<Called> {
  const { tools, rooms } = stage.participants.addresses
  const first = await client.call('pay', { amount: 40, for: 'the library' })
  stage.expect('a tool that pays for a room in another domain: one call', first.said['amount'], 40)
  const [access, ...approvals] = ada.byClient.slice(1)
  stage.expect('the client was asked for access to rooms', access?.heading, asksFor(tools, rooms))
  stage.expect('in the words of rooms', access?.choices.join(), 'Pay for rooms, at your expense')
  stage.expect('then for the approval of this very payment', approvals.at(-1)?.call, 'Pay 40 euros for the library')
  // An approval ends with the token that it was asked under, which lives for seconds here: then the client is asked again.
  stage.expect('each by a request for input', first.sent.length - 1, 1 + approvals.length)

  const second = await client.call('pay', { amount: 15, for: 'the garden' })
  stage.expect(
    'the next payment needs an approval of its own',
    ada.byClient.at(-1)?.call,
    'Pay 15 euros for the garden',
  )
  stage.expect('and is made, too', second.said['amount'], 15)

  ada.decision = 'Refuse'
  const third = await client.call('pay', { amount: 4000, for: 'the library' })
  ada.decision = 'Allow'
  stage.expect('the user refuses to pay more, and the client is told', third.refused, 'the user has refused')
  stage.expect('so two payments were made', (await paymentsIn(stage)).length, 2)
  return first
}

/** The same tool for a client that cannot send its user anywhere: its agent gets the challenges, and follows them. */
async function asksWithoutClient(stage: Stage, agent: Pick<Agent, 'fetch'>, ada: ToolsUser): Promise<void> {
  const { tools, rooms } = stage.participants.addresses
  const [byAgent, byClient] = [ada.byAgent.length, ada.byClient.length]
  stage.expect('so far no challenge has asked for the user', await challengesForUser(stage), 0)
  const client = await toolsClient({ url: endpointOf(stage), agent, revision: '2026-07-28' })
  try {
    const { said, sent, steps } = await client.call('pay', { amount: 25, for: 'the garden' })
    stage.expect('a client that cannot ask its user pays as well', said['amount'], 25)
    stage.expect('by one request: its agent followed the challenges', sent.length, 1)
    stage.expect('of which some asked for the user', (await challengesForUser(stage)) > 0, true)
    const asked = ada.byAgent.slice(byAgent)
    stage.expect('it has sent its user to each page', count(steps, 'interact'), asked.length)
    stage.expect('for the tool', asked[0]?.choices.includes('Make payments for you'), true)
    stage.expect('for access to rooms', asked[1]?.heading, asksFor(tools, rooms))
    stage.expect('and for the approval of this payment', asked.at(-1)?.call, 'Pay 25 euros for the garden')
    stage.expect('no client was asked for input', ada.byClient.length - byClient, 0)
  } finally {
    await client.close()
  }
}

/** How often the tools have sent the challenge that asks for the user. */
async function challengesForUser(stage: Stage): Promise<number> {
  const { tools } = stage.participants.addresses
  const challenges = (await stage.messages()).filter(
    message => message.to === tools && headerOf(message, 'agent-auth')?.includes('user_interaction='),
  )
  return challenges.length
}

interface Outsider {
  readonly agent: Pick<Agent, 'fetch'>
  /** Another delegate, whose user has allowed the same. */
  readonly other: Pick<Agent, 'fetch'>
  /** A call that was repeated with the state of its request. */
  readonly paid: Called
}

/** What one caller began is nothing for another one, and guard and server read the same message. */
async function keepsOthersOut(stage: Stage, { agent, other, paid }: Outsider): Promise<void> {
  const { tools } = stage.participants.addresses
  const repeated = paid.sent.at(-1) ?? ''
  const taken = await post(other, tools, { body: repeated, tool: 'pay' })
  stage.expect(
    'another delegate cannot go on with this caller’s request',
    await reasonOf(taken),
    'continuation_unknown',
  )
  const { params, ...message } = JSON.parse(paid.sent[0] ?? '{}')
  const body = JSON.stringify({ ...message, params: { ...params, name: 'what_time', arguments: {} } })
  const mismatched = await post(agent, tools, { body, tool: 'pay' })
  stage.expect('a header that names another tool than the body is refused', mismatched.status, 400)
  const matched = await post(agent, tools, { body, tool: 'what_time' })
  stage.expect('one that names the same tool passes', matched.status, 200)
  const passed = (await stage.messages()).filter(
    ({ to, request, response }) =>
      to === tools && request.headers.some(([name]) => name === 'mcp-name') && response.status < 300,
  )
  const covered = passed.filter(message => headerOf(message, 'signature-input', 'request')?.includes('"mcp-name"'))
  stage.expect(
    'every request that passed had signed what it names',
    `${passed.length > 0} ${covered.length}`,
    `true ${passed.length}`,
  )
}

async function speaksTheOldRevision(stage: Stage, agent: Pick<Agent, 'fetch'>): Promise<void> {
  const client = await toolsClient({ url: endpointOf(stage), agent, revision: '2025-11-25' })
  try {
    stage.expect('a client of revision 2025-11-25 is served as well', client.revision, '2025-11-25')
    const { said } = await client.call('remember', { note: 'a biscuit at most' })
    stage.expect('for the same user', said['remembered'], 'a biscuit at most')
  } finally {
    await client.close()
  }
}

function post(
  agent: Pick<Agent, 'fetch'>,
  tools: string,
  { body, tool }: { readonly body: string; readonly tool: string },
): Promise<Response> {
  return agent.fetch(`${tools}/mcp`, {
    method: 'POST',
    headers: {
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': tool,
    },
    body,
  })
}

async function reasonOf(response: Response): Promise<unknown> {
  const { reason, error } = Object(await response.json())
  return reason ?? error?.data?.reason
}

async function paymentsIn(stage: Stage): Promise<readonly TracedExchange[]> {
  const messages = await stage.messages()
  return messages.filter(({ request, response }) => request.target === '/payments' && response.status === 201)
}

function count(steps: string, step: string): number {
  return steps.split(' ').filter(what => what === step).length
}

function asksFor(agent: string, resource: string): string {
  return [agent, resource].map(id => new URL(id).host).join(' asks for your access to ')
}

function isAbout(method: string, to: string): (message: TracedExchange) => boolean {
  return message => message.to === to && message.request.body.includes(`"${method}"`)
}

function headerOf(
  message: TracedExchange | undefined,
  name: string,
  of: 'request' | 'response' = 'response',
): string | undefined {
  return message?.[of].headers.find(([known]) => known.toLowerCase() === name)?.[1]
}
