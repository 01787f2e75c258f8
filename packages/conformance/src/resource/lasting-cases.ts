import { randomUUID } from 'node:crypto'
import type { Case } from '../case/case.js'
import type { Trial } from '../case/trial.js'
import type { Draft } from '../signing/draft.js'
import type { WireRequest } from '../wire/message.js'
import { type Condition, type Constrained, constrained, denied, freshUser } from './constrained.js'
import { notice } from './revocation-cases.js'
import { findSpecial, type ResourceStage, routeOf, specialRoute } from './stage.js'
import { hours } from './tried-condition.js'

const group = 'streams and sockets'
const about = { level: 'authorized', method: 'GET' } as const

/** What keeps its answer open. */
type Kind = 'lasts' | 'sockets'

/** The handshake of a WebSocket. @see RFC 6455 §4.1 */
const handshake = [
  ['connection', 'Upgrade'],
  ['upgrade', 'websocket'],
  ['sec-websocket-key', 'dGhlIHNhbXBsZSBub25jZQ=='],
  ['sec-websocket-version', '13'],
] as const

/** A request that opens a stream, or a socket. */
function opening(stage: ResourceStage, kind: Kind, o: Constrained): WireRequest {
  const route = specialRoute(stage, kind, about)
  if (kind === 'lasts') return constrained(stage, route, o)
  const draft = (right: Draft): Draft => ({ ...right, headers: [...right.headers, ...handshake] })
  return { ...constrained(stage, route, { ...o, draft }), isUpgrade: true }
}

interface Opened {
  readonly isOpened: boolean
  /** How long it was open; undefined where it was still open in the end. */
  readonly seconds: number | undefined
}

/** Opens a stream or a socket, and waits until it is cut off. */
async function opened(trial: Trial, title: string, request: () => WireRequest): Promise<Opened> {
  const started = performance.now()
  const { received, trouble } = await trial.sent(title, request)
  const isOpened = /^HTTP\/1\.1 (?:200|101) /.test(received.toString('latin1'))
  const isOpen = trouble?.startsWith('no whole response') === true
  return { isOpened, seconds: isOpen ? undefined : (performance.now() - started) / 1000 }
}

const words = ({ seconds }: Opened): string =>
  seconds === undefined ? 'it was not cut off' : `it was open for ${seconds.toFixed(1)} s`

/** Opens one under a condition that ends in some seconds, and one under a condition that ends later. */
async function endsInTime(trial: Trial, stage: ResourceStage, kind: Kind): Promise<void> {
  const name = kind === 'lasts' ? 'a stream' : 'a socket'
  const until = (seconds: number): Condition => ({ type: 'until', time: stage.now() + seconds })
  const open = (title: string, seconds: number): Promise<Opened> =>
    opened(trial, title, () => opening(stage, kind, { constraints: [until(seconds)] }))
  const [soon, later] = await Promise.all([
    open(`${name} under a condition that ends in 2 s`, 2),
    open(`${name} under one that ends in 5 s`, 5),
  ])
  trial.holds(`${name} is opened`, soon.isOpened && later.isOpened)
  trial.holds(`${name} ends with \`until\``, (soon.seconds ?? 99) < 3.5, words(soon))
  trial.holds(`${name} under the later one goes on`, (later.seconds ?? 99) > 3.5, words(later))
}

/** Waits for the end of a minute, and opens a stream under a window that ends there. */
async function endsWithWindow(trial: Trial, stage: ResourceStage): Promise<void> {
  const left = 60 - (stage.now() % 60)
  await new Promise(resolve => setTimeout(resolve, ((left + 56) % 60) * 1000))
  const clock = (ahead: number): string => new Date((stage.now() + ahead) * 1000).toISOString().slice(11, 16)
  const window = hours({ from: clock(-3600), to: clock(60) })
  const found = await opened(trial, 'a stream in a window of hours that ends in 4 s', () =>
    opening(stage, 'lasts', { constraints: [window] }),
  )
  trial.holds('it is opened', found.isOpened)
  trial.holds('it ends with the window', (found.seconds ?? 99) < 7, words(found))
}

/** Conditions under which single messages of a socket would have to be judged. */
const onCalls = ({ id }: ResourceStage): readonly Condition[] => [
  { type: 'calls', max: 9, per: 'day' },
  { type: 'data', resource: id, fields: ['/a'] },
  { type: 'arguments', resource: id, of: 'send', where: [{ at: '/a' }] },
  { type: 'approval', resource: id, of: '*' },
]

/** What stays open after its request was judged. */
export const lastingCases: readonly Case<ResourceStage>[] = [
  {
    id: 'policy.streams',
    words: ['must end with `until` and with the window of `hours`', 'there must be no sockets'],
    group,
    needs: ['authorized', 'lasts', 'condition-until', 'condition-hours'],
    async run(trial, stage) {
      await trial.control('an auth token without conditions', () =>
        constrained(stage, routeOf(stage, 'authorized'), {}),
      )
      const hasSockets = findSpecial(stage, 'sockets', about) !== undefined
      const kinds = hasSockets ? (['lasts', 'sockets'] as const) : (['lasts'] as const)
      await Promise.all(kinds.map(kind => endsInTime(trial, stage, kind)))
      if (stage.slow) await endsWithWindow(trial, stage)
      if (!hasSockets) return
      const listed = stage.metadata?.['constraints_supported']
      for (const condition of onCalls(stage)) {
        if (!Array.isArray(listed) || !listed.includes(condition['type'])) continue
        const request = () => opening(stage, 'sockets', { constraints: [condition], claims: freshUser() })
        await trial.refused(`a socket under the condition \`${condition['type']}\``, request, denied)
      }
    },
  },
  {
    id: 'REV-09',
    group,
    needs: ['authorized', 'lasts', 'condition-until', 'revocation-endpoint'],
    async run(trial, stage) {
      await trial.control('an auth token without conditions', () =>
        constrained(stage, routeOf(stage, 'authorized'), {}),
      )
      const kinds = (['lasts', 'sockets'] as const).filter(kind => findSpecial(stage, kind, about) !== undefined)
      const [grant, other] = [randomUUID(), randomUUID()]
      // What goes on ends in time, so that the case does not wait for its own deadline.
      const constraints = [{ type: 'until', time: stage.now() + 6 }]
      const under = (kind: Kind, name: string) => (): WireRequest =>
        opening(stage, kind, { constraints, claims: { sub: `user-${name}`, grant: name } })
      const open = (kind: Kind, name: string): Promise<Opened> =>
        opened(trial, `${kind === 'lasts' ? 'a stream' : 'a socket'} is opened under a grant`, under(kind, name))
      const ending = kinds.map(kind => open(kind, grant))
      const going = kinds.map(kind => open(kind, other))
      await new Promise(resolve => setTimeout(resolve, 1000))
      await trial.accepted('the first grant has ended', () => notice(stage, { grant, exp: String(stage.now() + 1800) }))
      for (const found of await Promise.all(ending)) {
        trial.holds('it was opened', found.isOpened)
        trial.holds('it ends with its grant', (found.seconds ?? 99) < 3, words(found))
      }
      for (const found of await Promise.all(going))
        trial.holds('one under another grant goes on', found.isOpened && (found.seconds ?? 99) > 3, words(found))
    },
  },
]
