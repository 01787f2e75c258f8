import { randomUUID } from 'node:crypto'
import type { Case } from '../case/case.js'
import { type Refusal, refusals } from '../case/refusal.js'
import { Undecided } from '../case/trial.js'
import type { ClosedMcp } from '../config/mcp-server.js'
import { tokenJson } from '../participants/desk.js'
import { headerValue } from '../wire/message.js'
import {
  initialize,
  mcpRequest,
  openSession,
  ownSession,
  partOf,
  plainTool,
  serverOf,
  toolCall,
  toolCaller,
  toolHolder,
  toolOf,
} from './mcp.js'
import { openMiddle } from './middle.js'
import { byPublishedKey, delegate, pseudonym, type ResourceStage, type Signer } from './stage.js'

const group = 'mcp subjects'

const taskOf = (taskId: string): object => ({ jsonrpc: '2.0', id: 24, method: 'tasks/get', params: { taskId } })
const prompt = (name: string): object => ({ jsonrpc: '2.0', id: 23, method: 'prompts/get', params: { name } })
const reading = (uri: string): object => ({ jsonrpc: '2.0', id: 21, method: 'resources/read', params: { uri } })

/** Other texts that some server takes for a URI like `note://closed/two`. */
function spellingsOf(uri: string): readonly string[] {
  const [scheme = '', rest = ''] = uri.split('://')
  const [host = '', path = ''] = rest.split('/')
  const encoded = `%${path.charCodeAt(0).toString(16)}${path.slice(1)}`
  return [
    `${scheme.toUpperCase()}://${rest}`,
    ` ${uri}`,
    `${scheme}://${host}/${encoded}`,
    `${scheme}://${host}/x/../${path}`,
    `${scheme}://${host}:/${path}`,
    `${scheme}://${host}:1/${path}`,
    `${scheme}://me@${host}/${path}`,
    `${scheme}://${host}/${path.toUpperCase()}`,
    `${uri}?x=1`,
    `${uri}#x`,
    `${uri};x=1`,
  ]
}

/** Other texts that some server takes for a name like `send_email`. */
function spellingsOfName(name: string): readonly string[] {
  const wide = String.fromCharCode(name.charCodeAt(0) + 0xfee0)
  const all = [
    name.toUpperCase(),
    `${name.charAt(0).toUpperCase()}${name.slice(1)}`,
    `${name}\u00a0`,
    `${name}\u200b`,
    `${wide}${name.slice(1)}`,
    `${name.slice(0, 1)}\u0007${name.slice(1)}`,
    `\t${name}`,
  ]
  return all.filter(one => one !== name)
}

/** URIs that no reader can be sure of: with a control character, in other words of it, and too long ones. */
function unsureOf(uri: string): ReadonlyArray<readonly [title: string, uri: string]> {
  return [
    ['with a control character', `${uri}\u0001`],
    ['with a control character that is encoded', `${uri}%01x`],
    ['of more than 2048 characters', `${uri}${'e'.repeat(2049 - uri.length)}`],
    ['with more than 64 forms', `${uri}%${'25'.repeat(70)}41`],
  ]
}

/** What the subjects of an MCP server need, whatever their spelling, their route and the calls that they make. @see protocol §12 */
export const mcpSubjectCases: readonly Case<ResourceStage>[] = [
  {
    id: 'mcp.name-spellings',
    group,
    needs: ['mcp'],
    async run(trial, stage) {
      const { caller, session } = await ownSession(trial, stage)
      const send = (body: object) => () => mcpRequest(stage, { caller, session, body })
      await trial.accepted('a tool for callers of its level', send(toolCall(plainTool(stage))))
      const high = toolOf(stage, 'authorized')?.name ?? ''
      const refused = { status: 403, challenge: 'none' } as const
      for (const name of spellingsOfName(high))
        await trial.refused(
          `another spelling of a tool that needs a scope: ${JSON.stringify(name)}`,
          send(toolCall(name)),
          refused,
        )
      const { prompts } = serverOf(stage)
      if (prompts === undefined) return
      await trial.accepted('a prompt for callers of its level', send(prompt(prompts.low.name)))
      for (const name of spellingsOfName(prompts.high.name))
        await trial.refused(
          `another spelling of a prompt that needs a scope: ${JSON.stringify(name)}`,
          send(prompt(name)),
          refused,
        )
    },
  },
  {
    id: 'mcp.method-spellings',
    group,
    needs: ['mcp'],
    async run(trial, stage) {
      const { caller, session } = await ownSession(trial, stage)
      const body = toolCall(toolOf(stage, 'authorized')?.name ?? '')
      const send = (method: string) => () => mcpRequest(stage, { caller, session, body: { ...body, method } })
      await trial.accepted('a method of the protocol', send('tools/list'))
      await trial.refused('a call of a tool that needs a scope', send('tools/call'), {
        ...refusals.level,
        challenge: ['auth-token'],
      })
      for (const method of [
        'Tools/Call',
        'tools/call ',
        'tools//call',
        '/tools/call',
        'tools.call',
        'tools/\u200bcall',
      ])
        await trial.refused(`the method ${JSON.stringify(method)}`, send(method), { status: 400 })
    },
  },
  {
    id: 'mcp.uri-spellings',
    words: [
      "must be 403 when another rule is for one of the URI's",
      'Where there is more than one rule, these must be 403, too',
      'A URI with more than 64 forms, with 16 KiB of them, or of more than 2048 characters',
    ],
    group,
    needs: ['mcp', 'mcp-resources'],
    async run(trial, stage) {
      const { low, high } = partOf(stage, 'resources')
      const { caller, session } = await ownSession(trial, stage)
      const read =
        (uri: string, as = caller) =>
        () =>
          mcpRequest(stage, { caller: as, session, body: reading(uri) })
      await trial.accepted('a resource for callers of its level', read(low.name))
      await trial.refused('a resource that needs a scope', read(high.name), {
        ...refusals.level,
        challenge: ['auth-token'],
      })
      for (const uri of spellingsOf(high.name))
        await trial.refused(`another spelling of it: ${JSON.stringify(uri)}`, read(uri), { status: [400, 401, 403] })
      for (const [title, uri] of unsureOf(low.name))
        await trial.refused(`a URI ${title}`, read(uri), { status: 403, challenge: 'none' })
      await trial.accepted('the resource, with an auth token', read(high.name, toolHolder(stage, {}, high)))
    },
  },
  {
    id: 'mcp.no-credentials',
    group,
    needs: ['mcp', 'mcp-shows'],
    async run(trial, stage) {
      const tool = partOf(stage, 'shows')
      const caller = toolHolder(stage, {}, tool)
      const session = await openSession(trial, stage, { caller })
      const mark = randomUUID()
      const call = mcpRequest(stage, {
        ...{ caller, session, body: toolCall(tool.name) },
        headers: [['user-agent', `conformance/${mark}`]],
      })
      const response = await trial.control('a tool answers what its server sees of the request', call)
      const seen = response.body.toString('utf8')
      if (!seen.includes(mark)) throw new Undecided('failed', 'could not decide: the tool does not show User-Agent')
      const [, token = ''] = /jwt="([^"]*)"/.exec(caller.keyMember) ?? []
      const [, signature = ''] = /:([^:]*):/.exec(headerValue(call, 'signature') ?? '') ?? []
      for (const [title, secret] of [
        ['its signature', signature],
        ['the auth token', token],
        ['the signature of the auth token', token.split('.')[2] ?? ''],
      ] as const)
        trial.holds(`the server does not see ${title}`, secret !== '' && !seen.includes(secret))
    },
  },
  {
    id: 'mcp.bubbles-up',
    group,
    needs: ['mcp', 'mcp-calls', 'loopback'],
    async run(trial, stage) {
      const tool = partOf(stage, 'calls')
      const caller = (): Signer => toolHolder(stage, { sub: `user-${randomUUID()}` }, tool)
      const call = async (as: Signer, title: string, refusal?: Refusal) => {
        const session = await openSession(trial, stage, { caller: as })
        const request = mcpRequest(stage, { caller: as, session, body: toolCall(tool.name) })
        return refusal === undefined ? trial.control(title, request) : trial.refused(title, request, refusal)
      }
      await openMiddle(trial, stage)
      await call(caller(), 'a tool that calls another resource for its caller')
      await openMiddle(trial, stage, { exchange: () => tokenJson({ request_token: 'request-1', expires_in: 600 }) })
      const response = await call(caller(), 'the auth server of that resource must ask a user', {
        status: 401,
        error: 'interaction_required',
        challenge: ['httpsig', 'user_interaction="'],
      })
      const header = response === undefined ? undefined : headerValue(response, 'agent-auth')
      const url = /user_interaction="([^"]*)"/.exec(header ?? '')?.[1] ?? ''
      trial.holds('user_interaction is on its own origin', URL.canParse(url) && new URL(url).origin === stage.id, url)
    },
  },
  {
    id: 'mcp.session-anonymous',
    group,
    needs: ['mcp', 'mcp-open'],
    async run(trial, stage) {
      const target = partOf(stage, 'open')
      const session = await openSession(trial, stage, { caller: undefined, target })
      const ping =
        (caller: Signer | undefined, at = session) =>
        () =>
          mcpRequest(stage, { caller, target, session: at, body: { jsonrpc: '2.0', id: 22, method: 'ping' } })
      await trial.accepted('an anonymous caller goes on', ping(undefined))
      for (const [title, caller] of [
        ['an agent', byPublishedKey(stage.agent)],
        ['a delegate', delegate(stage)],
        ['a pseudonym', pseudonym()],
      ] as const) {
        await trial.accepted(`${title} uses the session`, ping(caller))
        await trial.accepted(`after that it is still that of all: not of ${title}`, ping(undefined))
        await trial.accepted(`nor of ${title} before another agent`, ping(byPublishedKey(stage.otherAgent)))
      }
      const own = await openSession(trial, stage, { caller: byPublishedKey(stage.agent), target })
      await trial.refused('an anonymous caller uses the session of an agent', ping(undefined, own), { status: 404 })
    },
  },
  {
    id: 'mcp.route-holds',
    words: [
      'must hold for all its rules that name none of their own',
      'Callers that the route denies',
      'Where tools have more than one rule, a request about a task',
    ],
    group,
    needs: ['closed-mcp'],
    async run(trial, stage) {
      const closed = closedOf(stage)
      const { target } = closed
      // A server may give sessions or not.
      const opening = await trial.sent('the agent opens a session', () =>
        mcpRequest(stage, { caller: byPublishedKey(stage.agent), target, body: initialize }),
      )
      const session = opening.response === undefined ? undefined : headerValue(opening.response, 'mcp-session-id')
      for (const tool of closed.tools) {
        const call = (caller: Signer) => () => mcpRequest(stage, { caller, target, session, body: toolCall(tool.name) })
        await trial.control(
          `the agent that the route names calls ${tool.name}`,
          call(toolCaller(stage, stage.agent, tool)),
        )
        await trial.refused(`another agent calls ${tool.name}`, call(toolCaller(stage, stage.otherAgent, tool)), {
          status: session === undefined ? 403 : [403, 404],
          challenge: 'none',
        })
      }
      const send = (caller: Signer, body: object) => () => mcpRequest(stage, { caller, target, session, body })
      if (new Set(closed.tools.map(({ level, scope }) => `${level} ${scope}`)).size > 1)
        for (const tool of closed.tools)
          await trial.refused(
            `a caller of ${tool.name} asks for a task`,
            send(toolCaller(stage, stage.agent, tool), taskOf('task-1')),
            { status: 403, challenge: 'none' },
          )
      const { denies } = closed
      if (denies === undefined) return
      await trial.accepted(
        `the agent that the route names calls ${denies.name}`,
        send(byPublishedKey(stage.agent), toolCall(denies.name)),
      )
      await trial.refused(
        `an agent that the route denies calls ${denies.name}, whose rule names it`,
        send(byPublishedKey(stage.authServer), toolCall(denies.name)),
        { status: session === undefined ? 403 : [403, 404], challenge: 'none' },
      )
    },
  },
]

function closedOf({ configuration }: ResourceStage): ClosedMcp {
  if (configuration.closedMcp === undefined) throw new TypeError('the case needs closedMcp')
  return configuration.closedMcp
}
