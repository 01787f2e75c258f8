import type { Agent } from '@countersign/agent'
import { loopback } from '@countersign/agent/node'
import { agentTransport } from '@countersign/mcp/sdk1/client'
import type { TracedExchange } from '@countersign/server'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { asIfNoneExpired, requestTypes, type Stage, stepsOf } from '../stage.js'
import type { Asked } from '../story-user.js'
import type { VerifiedFacts } from '../verified-facts.js'

/** An MCP client of the SDK, and the steps by which the agent got each answer. */
interface Session {
  readonly client: Client
  readonly transport: ReturnType<typeof agentTransport>
  /** Calls a tool. Returns its answer, and the steps of the agent. */
  call(name: string, args?: Readonly<Record<string, unknown>>): Promise<Called>
}

interface Called {
  readonly said: Readonly<Record<string, unknown>>
  readonly steps: string
}

/** Tools of an MCP server: the agent answers the challenge of each, also where a tool calls another resource. */
export async function mcp(stage: Stage): Promise<void> {
  const { tools } = stage.participants.addresses
  const { code, sub } = await stage.invite()
  const asked: Asked[] = []
  const ada = stage.user('Ada Lovelace')
  const open = async (link: string): Promise<void> => void asked.push(await ada.decide(link, 'Allow'))
  const agent = stage.delegate(code, undefined, loopback({ open })).forUser('ada')
  const session = await connected(`${tools}/mcp`, agent)
  try {
    const { sessionId = '' } = session.transport
    await discovers(stage, session, sub)
    const user = await stepsUp(stage, session, asked)
    await goesFurther(stage, session, { asked, sub, user })
    stage.expect('all in one session', session.transport.sessionId, sessionId)
    await keepsOthersOut(stage, sessionId)
    await session.transport.terminateSession()
    const after = await toolsIn(agent, tools, sessionId)
    stage.expect('the agent that opened the session can end it', after.status, 404)
  } finally {
    await session.client.close()
  }
}

async function connected(url: string, agent: Pick<Agent, 'fetch'>): Promise<Session> {
  const answers: Response[] = []
  const transport = agentTransport(url, {
    async fetch(input, init) {
      const response = await agent.fetch(input, init)
      if (init?.method === 'POST') answers.push(response)
      return response
    },
  })
  const client = new Client({ name: 'playground', version: '1' })
  await client.connect(transport as Parameters<Client['connect']>[0])
  return {
    client,
    transport,
    async call(name, args = {}) {
      const { content } = await client.callTool({ name, arguments: args })
      const [{ text = '' } = {}] = content as ReadonlyArray<{ readonly text?: string }>
      const answer = answers.at(-1)
      return { said: JSON.parse(text), steps: answer === undefined ? '' : stepsOf(answer) }
    },
  }
}

async function discovers(stage: Stage, { client, call }: Session, sub: string): Promise<void> {
  const { tools, agentServer } = stage.participants.addresses
  const [first, ...more] = (await stage.messages()).filter(isAbout('initialize', tools))
  const opened = more.at(-1)
  stage.expect('a client that is not identified is refused', first?.response.status, 401)
  stage.expect('and told what is missing', headerOf(first, 'agent-auth'), 'httpsig; identity=?1')
  stage.expect('its agent identifies itself, and the session is opened', opened?.response.status, 200)
  stage.expect('by the server of these tools', client.getServerVersion()?.name, 'playground-tools')

  const listed = (await client.listTools()).tools.map(({ name, _meta }) => {
    const requires = _meta?.['aauth/requires'] as { level?: string; scope?: string } | undefined
    return [name, requires?.level, requires?.scope, _meta?.['aauth/allowed'] === true ? 'yes' : 'not yet']
      .filter(Boolean)
      .join(' ')
  })
  stage.expect(
    'the list names what each tool requires, and whether the agent has it',
    listed.join(', '),
    'what_time identified yes, remember authorized notes.write not yet, plan authorized plans.write not yet',
  )
  const { said } = await call('what_time')
  stage.expect(
    'an identified caller may ask for the time',
    `${said['agent']} ${said['delegate']}`,
    `${agentServer} ${sub}`,
  )
}

async function stepsUp(stage: Stage, { call }: Session, asked: readonly Asked[]): Promise<unknown> {
  const { tools, agentServer, authServer } = stage.participants.addresses
  const note = 'Charles likes his tea strong'
  const { said, steps } = await call('remember', { note })
  stage.expect('a tool that needs the user’s consent: one call', said['remembered'], note)
  stage.expect('the user was sent to the auth server', steps.includes('interact'), true)
  const hosts = [agentServer, tools].map(id => new URL(id).host)
  stage.expect('she saw who asks for what', asked[0]?.heading, hosts.join(' asks for your access to '))
  stage.expect('in the words of the tools', asked[0]?.choices.join(), 'Remember things for you')
  const user = said['user'] as VerifiedFacts['user']
  stage.expect('the note is hers', user?.iss, authServer)
  await call('remember', { note: 'and no sugar' })
  stage.expect('a second call passes, and nobody is asked again', asked.length, 1)
  return user?.sub
}

interface Before {
  readonly asked: readonly Asked[]
  readonly sub: string
  /** Who the user is to the tools. */
  readonly user: unknown
}

async function goesFurther(stage: Stage, { call }: Session, { asked, sub, user }: Before): Promise<void> {
  const { tools, calendar, agentServer } = stage.participants.addresses
  const plan = { summary: 'Tea with Charles', day: '2026-12-26' }
  const { said } = await call('plan', plan)
  stage.expect('a tool that calls the calendar for its user: one call', said['summary'], plan.summary)
  const [own, theirs] = asked.slice(1)
  stage.expect('the user was asked for the tool', own?.choices.includes('Make plans for you'), true)
  const hosts = [tools, calendar].map(id => new URL(id).host)
  stage.expect('then, by the tools, for the calendar', theirs?.heading, hosts.join(' asks for your access to '))
  stage.expect('in the words of the calendar', theirs?.choices.join(), 'Add events to your calendar')
  const facts = said['by'] as VerifiedFacts
  stage.expect('which sees the tools', facts.agent, tools)
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
  await call('plan', { ...plan, day: '2026-12-27' })
  stage.expect('a second call passes, and nobody is asked', asked.length, 3)
  const trace = await stage.trace(facts.txn ?? '')
  // The tools belong to it as long as their token need not be refreshed: tokens live for seconds here.
  const names = trace.names.filter(name => name !== 'tools').join(' ')
  stage.expect('the logs of the other participants show one action', names, 'auth-server calendar')
}

/** Session fixation: the id of a session proves nothing. */
async function keepsOthersOut(stage: Stage, sessionId: string): Promise<void> {
  const { tools } = stage.participants.addresses
  const other = stage.delegate((await stage.invite()).code)
  const taken = await toolsIn(other, tools, sessionId)
  stage.expect('another delegate cannot use the session’s id', taken.status, 404)
  const invented = await toolsIn(other, tools, crypto.randomUUID())
  stage.expect('and gets the answer for an unknown session', await taken.text(), await invented.text())
  const passed = (await stage.messages()).filter(
    ({ to, request, response }) =>
      to === tools && request.headers.some(([name]) => name === 'mcp-session-id') && response.status < 300,
  )
  const covered = passed.filter(message => headerOf(message, 'signature-input', 'request')?.includes('mcp-session-id'))
  stage.expect(
    'every request that passed had a signed session id',
    `${passed.length > 0} ${covered.length}`,
    `true ${passed.length}`,
  )
}

function toolsIn(agent: Pick<Agent, 'fetch'>, tools: string, sessionId: string): Promise<Response> {
  return agent.fetch(`${tools}/mcp`, {
    method: 'POST',
    headers: {
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
      'mcp-session-id': sessionId,
      'mcp-protocol-version': '2025-11-25',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
  })
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
