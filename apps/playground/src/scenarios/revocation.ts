import { setTimeout as sleep } from 'node:timers/promises'
import { explain } from '@countersign/agent'
import { loopback } from '@countersign/agent/node'
import type { TracedExchange } from '@countersign/server'
import type { Stage } from '../stage.js'
import type { Account, Decision } from '../story-user.js'

/** Seconds for which the story waits for a resource that is back: notices are sent again after 1, 2, 4 and 8 seconds. */
const patience = 20

/** A user takes back what she allowed: one resource is told at once, and one that is away when it is back. */
export async function revocation(stage: Stage): Promise<void> {
  const { rooms, desks, roomsAuthServer } = stage.participants.addresses
  await stage.participants.startDesks()
  try {
    await play(stage, { rooms, desks, authServer: roomsAuthServer })
  } finally {
    await stage.participants.killDesks()
  }
}

interface Places {
  readonly rooms: string
  readonly desks: string
  /** Of both. */
  readonly authServer: string
}

async function play(stage: Stage, { rooms, desks, authServer }: Places): Promise<void> {
  const { code } = await stage.invite()
  const user = stage.user('Ada Lovelace')
  // bound: one call
  const answers: Decision[] = []
  const answer = { decision: 'Allow' as Decision }
  const open = async (link: string): Promise<void> => {
    answers.push(answer.decision)
    await user.decide(link, answer.decision)
  }
  const agent = stage.delegate(code, undefined, loopback({ open })).forUser('ada')
  const read = (place: string): Promise<Response> => agent.fetch(`${place}/rooms`)

  stage.expect('the agent reads the rooms of its user', (await read(rooms)).status, 200)
  stage.expect('and her desks, at another resource', (await read(desks)).status, 200)
  stage.expect('she was asked for each', answers.join(' '), 'Allow Allow')
  const before = await user.account(authServer)
  stage.expect('her account page shows agents with access', before.heading, 'Agents with access')

  await stage.participants.killDesks()
  answer.decision = 'Refuse'
  const taken = await user.account(authServer, 'Take everything back from all agents')
  stage.expect('the desks are away, and she takes everything back', taken.done.startsWith('Taken back'), true)
  stage.expect('no agent is left on the page', taken.agents.length, 0)
  stage.expect(
    'the page says that rooms have stopped',
    await saidOf(rooms, { user, authServer, word: 'Stopped' }),
    true,
  )
  const refused = await read(rooms)
  stage.expect('the next request at rooms is refused', refused.status, 401)
  stage.expect('by rooms, since the grant has ended', reasonAt(await stage.messages(), rooms), 'grant_ended')
  stage.expect('the agent asked her anew, and she refused', explain(refused).reason?.includes('the user said no'), true)
  stage.expect(
    'the page says that desks are not reached',
    await saidOf(desks, { user, authServer, word: 'Not reached' }),
    true,
  )

  await stage.participants.startDesks()
  stage.expect('the desks are back, and are told', await saidOf(desks, { user, authServer, word: 'Stopped' }), true)
  stage.expect('by the auth server, as it had told rooms', noticesIn(await stage.messages(), rooms), 'rooms desks')
  stage.expect('the next request at desks is refused, too', (await read(desks)).status, 401)
  stage.expect('she was asked once for each, and refused', answers.join(' '), 'Allow Allow Refuse Refuse')
}

/** Who was told, in order. */
function noticesIn(messages: readonly TracedExchange[], rooms: string): string {
  const told = messages.filter(({ request, response }) => isNotice(request.target) && response.status === 204)
  // Rooms may be told of more than one grant.
  const names = told.map(({ to }) => (to === rooms ? 'rooms' : 'desks'))
  return names.filter((name, at) => names.indexOf(name) === at).join(' ')
}

const isNotice = (target: string): boolean => target.endsWith('/revoked-grants')

/** The reason of the last refusal that names one. */
function reasonAt(messages: readonly TracedExchange[], resource: string): string | undefined {
  const refusals = messages.filter(
    ({ to, response }) => to === resource && response.body.includes('"error":"invalid_auth_token"'),
  )
  const [last] = refusals.slice(-1)
  return last === undefined ? undefined : (JSON.parse(last.response.body) as { readonly reason?: string }).reason
}

/** Whether the page comes to say so of a resource. */
async function saidOf(
  resource: string,
  o: { readonly user: ReturnType<Stage['user']>; readonly authServer: string; readonly word: string },
): Promise<boolean> {
  const { host } = new URL(resource)
  const says = ({ notices }: Account): boolean =>
    notices.some(notice => notice.includes(`at ${host}`) && notice.includes(o.word))
  for (const end = performance.now() + patience * 1000; performance.now() < end; await sleep(250))
    if (says(await o.user.account(o.authServer))) return true
  return false
}
