import type { Case } from '../case/case.js'
import { refusals } from '../case/refusal.js'
import { isAccepted, type Trial } from '../case/trial.js'
import type { Draft } from '../signing/draft.js'
import {
  type McpMessage,
  mcpHeaders,
  mcpRequest,
  ownSession,
  plainTool,
  serverOf,
  toolCall,
  toolHolder,
  toolOf,
} from './mcp.js'
import { byPublishedKey, delegate, pseudonym, type ResourceStage, type Signer } from './stage.js'
import { calling, say, statelessTool } from './stateless-mcp.js'

const group = 'mcp'
const needs = ['mcp']

/** Messages that two readers could read in two ways. */
const ambiguous = (
  name: string,
): ReadonlyArray<readonly [title: string, message: Partial<McpMessage>, status: number]> => {
  const text = JSON.stringify(toolCall(name))
  return [
    ['a name comes twice', { body: text.replace('"name":', '"name":"other","name":') }, 400],
    ['method comes in another case as well', { body: text.replace('"method":', '"Method":"ping","method":') }, 400],
    ['it is a batch', { body: `[${text}]` }, 400],
    ['it is no JSON', { body: text.slice(1) }, 400],
    ['its charset is utf-16', { contentType: 'application/json; charset=utf-16' }, 415],
    ['it has a content coding', { headers: [['content-encoding', 'gzip']] }, 415],
  ]
}

/** A GET passes once, too: here one that would go on with a stream that is over, and so ends at once. */
async function getOnce(
  trial: Trial,
  stage: ResourceStage,
  as: { readonly caller: Signer; readonly session: string },
): Promise<void> {
  const body = { jsonrpc: '2.0', id: 9, method: 'tools/list' }
  const { received } = await trial.sent('a list of the tools', () => mcpRequest(stage, { ...as, body }))
  const last = /^id: ?(\S+)/m.exec(received.toString('utf8'))?.[1]
  if (last === undefined) return
  const get = mcpRequest(stage, { ...as, method: 'GET', body: '', headers: [['last-event-id', last]] })
  const { response } = await trial.sent('a GET', get)
  if (response !== undefined && isAccepted(response)) await trial.refused('the same GET again', get, refusals.replay)
}

/** An MCP server behind a guard. @see protocol §12 */
export const mcpCases: readonly Case<ResourceStage>[] = [
  {
    id: 'mcp.subject-decides',
    group,
    needs,
    async run(trial, stage) {
      const { caller, session } = await ownSession(trial, stage)
      const [low, high] = [plainTool(stage), toolOf(stage, 'authorized')?.name ?? '']
      await trial.accepted('a tool for identified callers', () =>
        mcpRequest(stage, { caller, session, body: toolCall(low) }),
      )
      await trial.refused(
        'a tool that needs a scope, in the same session',
        () => mcpRequest(stage, { caller, session, body: toolCall(high) }),
        { ...refusals.level, challenge: ['auth-token', 'resource_token'] },
      )
    },
  },
  {
    id: 'mcp.no-rule',
    group,
    needs,
    async run(trial, stage) {
      const { caller, session } = await ownSession(trial, stage)
      const call = (name: string) => () => mcpRequest(stage, { caller, session, body: toolCall(name) })
      await trial.accepted('a tool with a rule', call(plainTool(stage)))
      const refused = { status: 403, challenge: 'none' } as const
      for (const name of ['nothing-of-this', `${plainTool(stage)} `, plainTool(stage).toUpperCase()])
        await trial.refused(`the tool ${JSON.stringify(name)}`, call(name), refused)
      // It is no name, so the message may be refused as malformed.
      await trial.refused('the tool ""', call(''), { ...refused, status: [400, 403] })
    },
  },
  {
    id: 'mcp.one-reading',
    words: 'A message that could be read in two ways must be refused',
    group,
    needs,
    async run(trial, stage) {
      const { caller, session } = await ownSession(trial, stage)
      const body = toolCall(plainTool(stage))
      await trial.accepted('a plain message', () => mcpRequest(stage, { caller, session, body }))
      for (const [title, message, status] of ambiguous(plainTool(stage)))
        await trial.refused(title, () => mcpRequest(stage, { caller, session, body, ...message }), { status })
    },
  },
  {
    id: 'mcp.covered',
    group,
    needs,
    async run(trial, stage) {
      const { caller, session } = await ownSession(trial, stage)
      const body = toolCall(plainTool(stage))
      const without =
        (name: string) =>
        (draft: Draft): Draft => ({
          ...draft,
          components: (draft.components ?? []).filter(one => one !== `"${name}"`),
        })
      await trial.accepted('all its headers are covered', () => mcpRequest(stage, { caller, session, body }))
      for (const name of mcpHeaders) {
        const headers = name === 'last-event-id' ? [['last-event-id', '1'] as const] : []
        await trial.refused(
          `${name} is not covered`,
          () => mcpRequest(stage, { caller, session, body, headers, draft: without(name) }),
          refusals.signature,
        )
      }
      if (stage.configuration.statelessMcp === undefined) return
      const method = 'server/discover'
      const by = byPublishedKey(stage.agent)
      await trial.accepted('all headers of a message without a session are covered', () =>
        say(stage, { caller: by, method }),
      )
      await trial.refused(
        'mcp-method is not covered',
        () => say(stage, { caller: by, method, draft: without('mcp-method') }),
        refusals.signature,
      )
      const low = calling(statelessTool(stage, 'identified'))
      await trial.refused(
        'mcp-name is not covered',
        () => say(stage, { caller: by, ...low, draft: without('mcp-name') }),
        refusals.signature,
      )
    },
  },
  {
    id: 'mcp.once',
    group,
    needs,
    async run(trial, stage) {
      const { caller, session } = await ownSession(trial, stage)
      const post = mcpRequest(stage, { caller, session, body: toolCall(plainTool(stage)) })
      await trial.accepted('a call', post)
      await trial.refused('the same bytes come again', post, refusals.replay)
      const end = mcpRequest(stage, { caller: pseudonym(), method: 'DELETE', session, body: '' })
      await trial.sent('another key ends the session', end)
      await getOnce(trial, stage, { caller, session })
      await trial.accepted('it goes on', () =>
        mcpRequest(stage, { caller, session, body: toolCall(plainTool(stage), 8) }),
      )
    },
  },
  {
    id: 'mcp.origin',
    group,
    needs,
    async run(trial, stage) {
      const { caller, session } = await ownSession(trial, stage)
      const body = toolCall(plainTool(stage))
      const from = (origin: string) => () => mcpRequest(stage, { caller, session, body, headers: [['origin', origin]] })
      await trial.accepted('its own origin', from(stage.id))
      for (const origin of ['https://other.example', 'null', `${stage.id}.other.example`])
        await trial.refused(`the origin ${origin}`, from(origin), { status: 403 })
      const { target } = serverOf(stage)
      const headers = [
        ['host', stage.authority],
        ['origin', 'https://other.example'],
        ['content-type', 'application/json'],
      ] as const
      const unsigned = { method: 'POST', target, headers, body: Buffer.from(JSON.stringify(body)) }
      await trial.refused('an unsigned request of another origin', unsigned, { status: 403 })
    },
  },
  {
    id: 'mcp.session-levels',
    group,
    needs,
    async run(trial, stage) {
      const { session } = await ownSession(trial, stage)
      const high = toolOf(stage, 'authorized')?.name ?? ''
      const other = delegate(stage)
      await trial.refused(
        'a delegate goes on in it',
        () => mcpRequest(stage, { caller: other, session, body: toolCall(plainTool(stage)) }),
        { status: 404 },
      )
      await trial.accepted('its owner goes on with an auth token', () =>
        mcpRequest(stage, { caller: toolHolder(stage), session, body: toolCall(high) }),
      )
      await trial.refused(
        'another user goes on in it',
        () => mcpRequest(stage, { caller: toolHolder(stage, { sub: 'user-2' }), session, body: toolCall(high, 9) }),
        { status: 404 },
      )
    },
  },
]
