import { explain } from '@countersign/agent'
import { loopback } from '@countersign/agent/node'
import type { Conditions } from '@countersign/agent-server'
import type { Stage } from '../stage.js'

interface Answer {
  readonly status: number
  readonly error?: string
  readonly reason?: string
  /** Whether a challenge says what would pass. */
  readonly challenged: boolean
}

interface Booking {
  readonly constraints?: ReadonlyArray<{ readonly type: string }>
}

/** A delegate, its user and a service in between each hold back something, and the resources keep to all of it. */
export async function delegation(stage: Stage): Promise<void> {
  await limitedByItsOperator(stage)
  await limitedByItsUser(stage)
  await onlyNarrowed(stage)
}

/** A condition that always holds, so that the story can be played at any time. */
const always: Conditions[number] & { type: 'hours' } = {
  type: 'hours',
  zone: 'UTC',
  days: [1, 2, 3, 4, 5, 6, 7],
  from: '00:00',
  to: '00:00',
}

/** A day that is not today, nor tomorrow or yesterday: the story may be played at midnight. */
function anotherDay(): number {
  return ((new Date().getUTCDay() + 3) % 7) + 1
}

async function limitedByItsOperator(stage: Stage): Promise<void> {
  const { calendar } = stage.participants.addresses
  const reader = await delegateWith(stage, [{ type: 'scopes', any: ['events.read'] }, always])
  const body = JSON.stringify({ summary: 'Chess', start: '2026-12-10', end: '2026-12-10' })
  const write = { method: 'POST', body, headers: { 'content-type': 'application/json' } }
  const wrote = await answerOf(await reader.fetch(`${calendar}/events`, write))
  stage.expect(
    'the operator lets a delegate only read, and only at its hours: it is refused when it asks to write',
    `${wrote.status} ${wrote.error}`,
    '403 policy_denied',
  )
  stage.expect('the reason is its scopes', wrote.reason, 'condition_scope')
  stage.expect('there is no challenge, since no other token would help', wrote.challenged, false)
  stage.expect('at its hours it may read', (await reader.fetch(`${calendar}/events`)).status, 200)

  const sleeping = await delegateWith(stage, [{ ...always, days: [anotherDay()] }])
  const early = explain(await sleeping.fetch(`${calendar}/agenda`))
  stage.expect(
    'a delegate that may only be used on another day shows its agent token to nobody today',
    `${early.outcome} as ${early.level}`,
    'gave_up as anonymous',
  )
  stage.expect('its agent names the condition', early.reason?.includes('the condition `hours`'), true)
}

async function limitedByItsUser(stage: Stage): Promise<void> {
  const { calendar } = stage.participants.addresses
  const ada = stage.user('Ada Lovelace')
  let asked = 0
  const open = async (link: string): Promise<void> => {
    asked++
    await ada.decide(link, 'Allow', { view: 'titles', calls: '10' })
  }
  const { code } = await stage.invite()
  const agent = stage.delegate(code, undefined, loopback({ open })).forUser('ada')
  const read = (): Promise<Response> => agent.fetch(`${calendar}/appointments`)
  await clearOfMidnight()
  const first = await read()
  stage.expect('a user allows titles only, and ten calls a day: the agent may read', first.status, 200)
  stage.expect(
    'it sees titles and times, and no notes',
    await first.text(),
    '{"items":[{"title":"Dentist","start":"2026-12-10T09:00"}]}',
  )
  // bound: one call: nine
  const statuses: number[] = []
  for (let more = 0; more < 9; more++) statuses.push((await read()).status)
  stage.expect(
    'nine more calls pass',
    statuses.every(status => status === 200),
    true,
  )
  const last = await answerOf(await read())
  stage.expect('the eleventh is refused', `${last.status} ${last.error}`, '429 rate_limited')
  stage.expect('the reason is that all calls of the day are used', last.reason, 'calls_used_up')
  stage.expect('there is no challenge: a new token would not begin a new count', last.challenged, false)
  stage.expect('the user was asked once', asked, 1)
}

/** The count of a day begins anew at midnight, UTC: all calls are made on one day. */
async function clearOfMidnight(): Promise<void> {
  const left = 86_400_000 - (Date.now() % 86_400_000)
  if (left < 15_000) await new Promise(resolve => setTimeout(resolve, left))
}

async function onlyNarrowed(stage: Stage): Promise<void> {
  const { calendar, rooms } = stage.participants.addresses
  const ada = stage.user('Ada Lovelace')
  const open = async (link: string): Promise<void> => void (await ada.decide(link, 'Allow'))
  const day = new Date(Date.now() + 2 * 86_400_000).toISOString().slice(0, 10)
  const meet = async (conditions: Conditions): Promise<Response> => {
    const agent = await delegateWith(stage, conditions, loopback({ open }))
    const body = JSON.stringify({ summary: 'Chess', start: day, end: day })
    return agent.forUser('ada').fetch(`${calendar}/events?room=library`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json' },
    })
  }
  const kept = await answerOf(await meet([{ type: 'chain', max: 0 }]))
  stage.expect(
    'the token of a delegate must not be passed on: the calendar cannot book a room for it',
    kept.status,
    403,
  )
  stage.expect('there is no challenge here, either', kept.challenged, false)

  const passed = await meet([{ type: 'chain', max: 1, through: [calendar] }, always])
  stage.expect('another token may be passed on once, by the calendar: the room is booked', passed.status, 201)
  const { booking } = (await passed.json()) as { readonly booking: Booking }
  stage.expect(
    `the token that ${new URL(rooms).host} gets has all conditions of the delegate`,
    booking.constraints?.map(({ type }) => type).join(' '),
    'chain hours',
  )
}

async function delegateWith(
  stage: Stage,
  conditions: Conditions,
  interact?: Parameters<Stage['delegate']>[2],
): Promise<ReturnType<Stage['delegate']>> {
  const { calendar, authServer } = stage.participants.addresses
  const { code } = await stage.invite(undefined, { conditions, receivers: [calendar, authServer] })
  return stage.delegate(code, undefined, interact)
}

async function answerOf(response: Response): Promise<Answer> {
  const { error, reason } = (await response.json()) as Pick<Answer, 'error' | 'reason'>
  return {
    status: response.status,
    challenged: response.headers.has('agent-auth'),
    ...(error === undefined ? {} : { error }),
    ...(reason === undefined ? {} : { reason }),
  }
}
