import { loopback } from '@countersign/agent/node'
import { asIfNoneExpired, requestTypes, type Stage, stepsOf } from '../stage.js'
import type { Asked } from '../story-user.js'

interface Booking {
  readonly booking: {
    readonly room: string
    readonly agent: string
    readonly user?: { readonly iss: string; readonly sub: string }
    readonly scope: readonly string[]
    readonly chain: ReadonlyArray<{ readonly iss: string; readonly agent: string; readonly agent_delegate?: string }>
    readonly txn?: string
  }
}

/** The agent calls the calendar, and the calendar calls rooms, whose own auth server needs the consent of the user. */
export async function multiHop(stage: Stage): Promise<void> {
  const { calendar } = stage.participants.addresses
  const { code, sub } = await stage.invite()
  // bound: one call
  const asked: Asked[] = []
  const ada = stage.user('Ada Lovelace')
  const open = async (link: string): Promise<void> => void asked.push(await ada.decide(link, 'Allow'))
  const agent = stage.delegate(code, undefined, loopback({ open })).forUser('ada')
  const body = JSON.stringify({ summary: 'Chess', start: dayOf(Date.now()), end: dayOf(Date.now()) })
  const meet = (): Promise<Response> =>
    agent.fetch(`${calendar}/events?room=garden`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json' },
    })

  const first = await meet()
  stage.expect('one call adds the event and books the room', first.status, 201)
  stage.expect('the user was sent twice on the way', count(stepsOf(first), 'interact'), 2)
  expectQuestions(stage, asked)
  const { booking } = (await first.json()) as Booking
  expectBooking(stage, booking, sub)
  const types = 'auth code exchange auth code code'
  stage.expect(
    'the requests to the two token endpoints, in order',
    asIfNoneExpired(requestTypes(await stage.messages()), types),
    types,
  )

  const second = await meet()
  stage.expect('a second call passes', second.status, 201)
  stage.expect('and nobody is asked again', asked.length, 2)
  const again = ((await second.json()) as Booking).booking
  stage.expect('for the same user', again.user?.sub, booking.user?.sub)

  const trace = await stage.trace(booking.txn ?? '')
  stage.expect(
    'the logs of all four show one action',
    trace.names.join(' '),
    'auth-server calendar rooms rooms-auth-server',
  )
  stage.expect('from the challenge to the answer', trace.events.join(' ').includes('resource_token'), true)
}

function expectQuestions(stage: Stage, [own, theirs]: readonly Asked[]): void {
  const { calendar, rooms } = stage.participants.addresses
  stage.expect('first for the calendar', own?.choices.join(), 'Add events to your calendar')
  stage.expect(
    'then, by the calendar, for rooms',
    theirs?.heading,
    [calendar, rooms].map(id => new URL(id).host).join(' asks for your access to '),
  )
  stage.expect('in the words of rooms', theirs?.choices.join(), 'Book rooms in your name')
  stage.expect('before that she proved that both accounts are hers', theirs?.before.at(-1), 'Are both accounts yours?')
}

/** What rooms learnt: who books, for whom, and through whom. */
function expectBooking(stage: Stage, booking: Booking['booking'], sub: string): void {
  const { calendar, agentServer, authServer, roomsAuthServer } = stage.participants.addresses
  stage.expect('rooms see the calendar', booking.agent, calendar)
  stage.expect('for a user of their own auth server', booking.user?.iss, roomsAuthServer)
  stage.expect('with the scope she allowed', booking.scope.join(' '), 'rooms.book')
  const [actor] = booking.chain
  stage.expect(
    'and the chain: the agent and its delegate',
    `${actor?.agent} ${actor?.agent_delegate}`,
    `${agentServer} ${sub}`,
  )
  stage.expect('as the auth server of the calendar says', actor?.iss, authServer)
}

function dayOf(time: number): string {
  return new Date(time + 86_400_000).toISOString().slice(0, 10)
}

function count(steps: string, step: string): number {
  return steps.split(' ').filter(what => what === step).length
}
