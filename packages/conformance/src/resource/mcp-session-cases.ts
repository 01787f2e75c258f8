import { randomUUID } from 'node:crypto'
import type { Case } from '../case/case.js'
import type { WireResponse } from '../wire/message.js'
import { mcpRequest, openSession, ownSession, plainTool, toolCall, toolHolder } from './mcp.js'
import { notice } from './revocation-cases.js'
import { byPublishedKey, delegate, pseudonym, type ResourceStage, type Signer } from './stage.js'

const group = 'mcp sessions'
const needs = ['mcp']
/** Seconds that a stream may be open here. */
const short = 3

const isTimeout = (trouble: string | undefined): boolean => trouble?.startsWith('no whole response') === true

/** The first event of a stream; comments before it are none. */
function firstEvent(text: string): string {
  const isEvent = (block: string): boolean => block.split(/\r?\n/).some(line => /^[^:]/.test(line))
  return text.split(/\r?\n\r?\n/).find(isEvent) ?? ''
}

/** Sessions and streams of an MCP server. @see protocol §12 */
export const mcpSessionCases: readonly Case<ResourceStage>[] = [
  {
    id: 'mcp.session-owner',
    group,
    needs,
    async run(trial, stage) {
      const { caller, session } = await ownSession(trial, stage)
      const body = toolCall(plainTool(stage))
      const unknown = { status: 404 }
      const strange = await trial.refused(
        'a session that does not exist',
        () => mcpRequest(stage, { caller, session: randomUUID(), body }),
        unknown,
      )
      for (const [title, other] of [
        ['another agent', byPublishedKey(stage.otherAgent)],
        ['a delegate of the agent', delegate(stage)],
      ] as const) {
        const response = await trial.refused(
          `the session of ${title}`,
          () => mcpRequest(stage, { caller: other, session, body }),
          unknown,
        )
        const alike = response?.body.toString() === strange?.body.toString()
        trial.holds(`${title} gets the very same answer`, alike, response?.body.toString())
        await trial.sent(`${title} ends it`, () =>
          mcpRequest(stage, { caller: other, session, method: 'DELETE', body: '' }),
        )
      }
      await trial.accepted('its owner goes on', () => mcpRequest(stage, { caller, session, body }))
      await trial.sent('a pseudonym uses it', () => mcpRequest(stage, { caller: pseudonym(), session, body }))
    },
  },
  {
    id: 'revocation.streams',
    group,
    needs: ['mcp', 'revocation-endpoint'],
    async run(trial, stage) {
      const [grant, other] = [randomUUID(), randomUUID()]
      const caller = toolHolder(stage, { grant })
      const session = await openSession(trial, stage, { caller })
      const stream = async (held: Signer, at: string): Promise<{ ended: boolean; seconds: number }> => {
        const started = performance.now()
        const { trouble } = await trial.sent('a stream is opened', () =>
          mcpRequest(stage, { caller: held, session: at, method: 'GET', body: '' }),
        )
        return { ended: !isTimeout(trouble), seconds: (performance.now() - started) / 1000 }
      }
      // The second one ends with its token, so that the case does not wait for its own deadline.
      const lasting = toolHolder(stage, { grant: other, sub: 'user-3' })
      const second = await openSession(trial, stage, { caller: lasting })
      const soon = toolHolder(stage, { grant: other, sub: 'user-3', exp: stage.now() + short })
      const streams = [stream(caller, session), stream(soon, second)]
      await new Promise(resolve => setTimeout(resolve, 1000))
      await trial.accepted('the grant of the first has ended', () =>
        notice(stage, { grant, exp: String(stage.now() + 1800) }),
      )
      const [one, two] = await Promise.all(streams)
      if (one === undefined || two === undefined) return
      // The other one shows how long a stream may last here.
      trial.holds('its stream ends at once', one.ended && one.seconds < short, `it took ${one.seconds.toFixed(1)} s`)
      trial.holds('a stream of another grant goes on', two.seconds > one.seconds, `it took ${two.seconds.toFixed(1)} s`)
    },
  },
  {
    id: 'mcp.stream-end',
    group,
    needs: ['mcp', 'condition-until'],
    clauses: ['mcp.stream-priming', 'policy.streams'],
    async run(trial, stage) {
      const caller = toolHolder(stage)
      const session = await openSession(trial, stage, { caller })
      const open = async (
        title: string,
        claims: Readonly<Record<string, unknown>>,
      ): Promise<WireResponse | undefined> => {
        const started = performance.now()
        const ending = toolHolder(stage, claims)
        const { response, received, trouble } = await trial.sent(title, () =>
          mcpRequest(stage, { caller: ending, session, method: 'GET', body: '' }),
        )
        // A stream may end in a whole response, or with its connection.
        const hasEnded = !isTimeout(trouble)
        const seconds = (performance.now() - started) / 1000
        trial.holds(`${title}: it is opened`, /^HTTP\/1\.1 200 /.test(received.toString('latin1')))
        trial.holds(`${title}: it ends then`, hasEnded && seconds < short + 3, `it took ${seconds.toFixed(1)} s`)
        return response
      }
      const response = await open('a stream under a token that ends soon', { exp: stage.now() + short })
      await open('a stream under a condition that ends soon', {
        constraints: [{ type: 'until', time: stage.now() + short }],
      })
      const first = firstEvent(response?.body.toString('utf8') ?? '')
      const lines = first.split(/\r?\n/)
      const data = lines.filter(line => line.startsWith('data:')).map(line => line.slice(5).trim())
      trial.holds(
        'it begins with an event that has an id',
        lines.some(line => /^id: ?\S/.test(line)),
        first.slice(0, 100),
      )
      trial.holds(
        'this event has no data',
        data.every(text => text === ''),
        first.slice(0, 100),
      )
    },
  },
]
