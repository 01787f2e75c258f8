import { isDeepStrictEqual } from 'node:util'
import type { Case } from '../case/case.js'
import { describeResponse, refusals } from '../case/refusal.js'
import { type Trial, Undecided } from '../case/trial.js'
import { authTokenDraft, signToken } from '../signing/token.js'
import type { Exchange, HeaderLine, WireResponse } from '../wire/message.js'
import { toolCaller, toolHolder } from './mcp.js'
import { byPublishedKey, type ResourceStage, type Signer, tokenMember } from './stage.js'
import {
  calling,
  refusedMessage,
  resultIn,
  say,
  statelessPart,
  statelessServer,
  statelessTool,
} from './stateless-mcp.js'

const group = 'mcp without sessions'
const needs = ['stateless-mcp']
/** Seconds that a subscription may be open here. */
const short = 3

type Lines = readonly HeaderLine[]

const without =
  (name: string) =>
  (lines: Lines): Lines =>
    lines.filter(([header]) => header !== name)

const instead =
  (name: string, value: string) =>
  (lines: Lines): Lines =>
    lines.map(([header, old]) => [header, header === name ? value : old])

const twice =
  (name: string) =>
  (lines: Lines): Lines =>
    lines.flatMap(line => (line[0] === name ? [line, line] : [line]))

const isOpened = ({ received }: Exchange): boolean => /^HTTP\/1\.1 200 /.test(received.toString('latin1'))

/** Asks what the server can do, as a control. @throws Undecided */
function discover(trial: Trial, stage: ResourceStage): Promise<WireResponse> {
  return trial.control('a caller asks what the server can do', () =>
    say(stage, { caller: byPublishedKey(stage.agent), method: 'server/discover' }),
  )
}

/** A caller with an auth token that ends soon, and the subscription with it. */
function reader(stage: ResourceStage, claims: Readonly<Record<string, unknown>> = {}): Signer {
  const { high } = statelessPart(stage, 'resources')
  return toolHolder(stage, { exp: stage.now() + short, ...claims }, high)
}

/** Another agent, with such a token. */
function otherReader(stage: ResourceStage): Signer {
  const { id, key } = stage.otherAgent
  const { scope } = statelessPart(stage, 'resources').high
  const about = { aud: stage.id, agent: id, key, scope, sub: 'user-2', now: stage.now() }
  const draft = authTokenDraft(stage.authServer, about)
  const ending = { ...draft, claims: { ...draft.claims, exp: stage.now() + short } }
  return { key, keyMember: tokenMember(signToken(ending)) }
}

/** Subscribes, and waits for the end of the stream. */
async function opens(
  trial: Trial,
  stage: ResourceStage,
  o: { readonly title: string; readonly caller: Signer; readonly notifications: object },
): Promise<boolean> {
  const { title, caller, notifications } = o
  const listen = () => say(stage, { caller, method: 'subscriptions/listen', params: { notifications } })
  const exchange = await trial.sent(title, listen)
  const isOpen = isOpened(exchange)
  trial.holds(`${title}: it is opened`, isOpen, describeResponse(exchange))
  return isOpen
}

/** An MCP server of revision 2026-07-28. @see protocol §12 */
export const statelessMcpCases: readonly Case<ResourceStage>[] = [
  {
    id: 'mcp.headers',
    words: ['is missing, repeated, or says something else than the body', 'must compare them with the body'],
    group,
    needs,
    async run(trial, stage) {
      const [low, high] = [statelessTool(stage, 'identified'), statelessTool(stage, 'authorized')]
      const call = (headers: (lines: Lines) => Lines) => () =>
        say(stage, { caller: byPublishedKey(stage.agent), ...calling(low), headers })
      await trial.control(
        'its headers say what its body says',
        call(lines => lines),
      )
      for (const [name, other] of [
        ['mcp-protocol-version', '2025-11-25'],
        ['mcp-method', 'tools/list'],
        ['mcp-name', high.name],
      ] as const) {
        await refusedMessage(trial, `${name} is missing`, call(without(name)))
        await refusedMessage(trial, `${name} is repeated`, call(twice(name)))
        await refusedMessage(trial, `${name} says something else`, call(instead(name, other)))
      }
      await refusedMessage(trial, 'mcp-name differs in case', call(instead('mcp-name', low.name.toUpperCase())))
      const { mirrors } = statelessServer(stage)
      if (mirrors === undefined) return
      const pick = (region: string) => () =>
        say(stage, {
          caller: byPublishedKey(stage.agent),
          ...calling(mirrors, { arguments: { region: 'north' } }),
          headers: lines => [...lines, ['mcp-param-region', region]],
        })
      await trial.accepted('a header repeats an argument', pick('north'))
      await trial.refused('it says something else', pick('south'), { status: 400, challenge: 'none' })
    },
  },
  {
    id: 'mcp.no-session',
    group,
    needs,
    async run(trial, stage) {
      const call = (more: Lines) => () =>
        say(stage, {
          caller: byPublishedKey(stage.agent),
          ...calling(statelessTool(stage, 'identified')),
          headers: lines => [...lines, ...more],
        })
      await trial.control('a call', call([]))
      await refusedMessage(trial, 'it has Mcp-Session-Id', call([['mcp-session-id', 'session-1']]))
    },
  },
  {
    id: 'mcp.announced',
    group,
    needs,
    async run(trial, stage) {
      const response = await discover(trial, stage)
      const { extensions } = Object(resultIn(response)['capabilities'])
      const { edition, authorization } = Object(Object(extensions)['io.github.countersign-dev/aauth'])
      const isRight = edition === '2026-01' && authorization === 'Agent-Auth'
      trial.holds('it announces AAuth', isRight, JSON.stringify(extensions))
    },
  },
  {
    id: 'mcp.private-lists',
    group,
    needs,
    async run(trial, stage) {
      const list = (caller: Signer) => () => say(stage, { caller, method: 'tools/list' })
      const own = resultIn(await trial.control('an agent asks for the tools', list(byPublishedKey(stage.agent))))
      const writer = toolHolder(stage, {}, statelessTool(stage, 'authorized'))
      const other = resultIn(await trial.control('it asks with an auth token', list(writer)))
      if (isDeepStrictEqual(own['tools'], other['tools']))
        throw new Undecided('not applicable', 'its lists are the same for all callers')
      for (const [title, { cacheScope }] of [
        ['the first list', own],
        ['the second list', other],
      ] as const)
        trial.holds(`${title} is for its caller only`, cacheScope === 'private', `cacheScope is ${cacheScope}`)
    },
  },
  {
    id: 'mcp.subscribed',
    words: 'Where it names what goes by another rule',
    group,
    needs: ['stateless-mcp', 'stateless-resources'],
    async run(trial, stage) {
      const { low, high } = statelessPart(stage, 'resources')
      const [both, closed] = [[low.name, high.name], [high.name]]
      const listen = (caller: Signer, notifications: object) => () =>
        say(stage, { caller, method: 'subscriptions/listen', params: { notifications } })
      await discover(trial, stage)
      await trial.all([
        async one => {
          const notifications = { resourceSubscriptions: [low.name] }
          await opens(one, stage, { title: 'changes of the first resource', caller: reader(stage), notifications })
        },
        async one => {
          const notifications = { resourceSubscriptions: closed }
          await opens(one, stage, { title: 'changes of the second one', caller: reader(stage), notifications })
        },
      ])
      await trial.refused(
        'changes of the second resource, without a token',
        listen(byPublishedKey(stage.agent), { resourceSubscriptions: closed }),
        { ...refusals.level, challenge: ['auth-token'] },
      )
      for (const [title, notifications] of [
        ['both resources', { resourceSubscriptions: both }],
        ['a resource and a list', { resourceSubscriptions: closed, toolsListChanged: true }],
      ] as const)
        await trial.refused(`changes of ${title}`, listen(reader(stage), notifications), { status: 403 })
    },
  },
  {
    id: 'mcp.shares',
    group,
    needs: ['stateless-mcp', 'stateless-resources', 'stateless-subscriptions'],
    alone: true,
    async run(trial, stage) {
      const { low } = statelessPart(stage, 'resources')
      const notifications = { resourceSubscriptions: [low.name] }
      const caller = reader(stage, { sub: 'user-subscribed' })
      const most = statelessPart(stage, 'subscriptions')
      const part = (title: string, as: Signer) => async (one: Trial) =>
        void (await opens(one, stage, { title, caller: as, notifications }))
      await discover(trial, stage)
      await trial.all([
        ...Array.from({ length: most }, (_, at) => part(`subscription ${at + 1}`, caller)),
        async one => {
          await new Promise(resolve => setTimeout(resolve, 1000))
          await one.refused(
            'one too many',
            () => say(stage, { caller, method: 'subscriptions/listen', params: { notifications } }),
            { status: 503, challenge: 'none' },
          )
          await part('one of another agent', otherReader(stage))(one)
        },
      ])
      await part('another one, when these have ended', reader(stage, { sub: 'user-subscribed' }))(trial)
    },
  },
  {
    id: 'mcp.input-judged',
    words: ['Answers of a client (`inputResponses`) that have content', 'one of a method that a server has added'],
    group,
    needs: ['stateless-mcp', 'condition-arguments'],
    clauses: ['policy.operation-spelling'],
    async run(trial, stage) {
      const tool = statelessTool(stage, 'authorized')
      // Whatever the arguments are.
      const where = [{ at: '' }]
      const constraints = [{ type: 'arguments', resource: stage.id, of: tool.name, where }]
      const call = (more: Readonly<Record<string, unknown>>) => () =>
        say(stage, { caller: toolHolder(stage, { constraints }, tool), ...calling(tool, more) })
      await trial.control('a call whose arguments its condition allows', call({}))
      const answered = { inputResponses: { who: { action: 'accept', content: { x: 1 } } } }
      await trial.refused('a call with an answer that has content', call(answered), {
        ...refusals.policy,
        challenge: 'none',
      })
      const send = (method: string) => () => say(stage, { caller: toolHolder(stage, { constraints }, tool), method })
      await trial.accepted('a message of MCP that calls no tool', send('tools/list'))
      await trial.refused('one of a method that a server may have added', send('conformance/act'), {
        ...refusals.policy,
        challenge: 'none',
      })
      await trial.accepted('the same answer, without the condition', () =>
        say(stage, { caller: toolCaller(stage, stage.agent, tool), ...calling(tool, answered) }),
      )
    },
  },
  {
    id: 'mcp.params-judged',
    words: ['Anything else is an argument that no condition allows', 'that is `arguments` in another spelling'],
    group,
    needs: ['stateless-mcp', 'condition-arguments'],
    clauses: ['policy.operation-spelling'],
    async run(trial, stage) {
      const tool = statelessTool(stage, 'authorized')
      const where = [{ at: '' }]
      const constraints = [{ type: 'arguments', resource: stage.id, of: tool.name, where }]
      const call = (more: Readonly<Record<string, unknown>>) => () =>
        say(stage, { caller: toolHolder(stage, { constraints }, tool), ...calling(tool, more) })
      await trial.control('a call whose arguments its condition allows', call({}))
      for (const name of ['Arguments', 'ARGUMENTS', '\uff41rguments', 'argu\u200bments', 'arguments '])
        await trial.refused(
          `a call whose arguments stand at ${JSON.stringify(name)}`,
          call({ arguments: undefined, [name]: {} }),
          { status: [400, 403], challenge: 'none' },
        )
      const beside = { to_4711: 'eve' }
      await trial.refused('a call with a member beside its arguments', call(beside), {
        ...refusals.policy,
        challenge: 'none',
      })
      await trial.accepted('the same member, without the condition', () =>
        say(stage, { caller: toolCaller(stage, stage.agent, tool), ...calling(tool, beside) }),
      )
    },
  },
]
