import { explain } from '@countersign/agent'
import { loopback } from '@countersign/agent/node'
import type { TracedExchange } from '@countersign/server'
import { requestTypes, type Stage, stepsOf } from '../stage.js'
import type { Asked, Decision, StoryUser } from '../story-user.js'

interface Facts {
  readonly level: string
  readonly agent: string
  readonly delegate: string
  /** Absent in a token that is about no user. */
  readonly user?: { readonly iss: string; readonly sub: string }
  readonly scope: readonly string[]
}

const event = { summary: 'Tea with Charles', start: '2026-12-10', end: '2026-12-11' }

/** A call that needs the consent of a user: one user agrees and is not asked again, another refuses. */
export async function userConsent(stage: Stage): Promise<void> {
  const { calendar } = stage.participants.addresses
  const { code, sub } = await stage.invite()
  // bound: one call
  const visits: Array<{ readonly user: string; readonly asked: Asked }> = []
  const people: Readonly<Record<string, { readonly user: StoryUser; readonly decision: Decision }>> = {
    ada: { user: stage.user('Ada Lovelace'), decision: 'Allow' },
    grace: { user: stage.user('Grace Hopper'), decision: 'Refuse' },
  }
  const open = async (link: string, { user = '' }: { readonly user?: string }): Promise<void> => {
    const somebody = people[user]
    if (somebody === undefined) throw new Error('nobody of that name')
    visits.push({ user, asked: await somebody.user.decide(link, somebody.decision) })
  }
  const agent = stage.delegate(code, undefined, loopback({ open }))
  const [ada, grace] = [agent.forUser('ada'), agent.forUser('grace')]
  const body = JSON.stringify(event)
  const add = (view: Pick<typeof ada, 'fetch'>): Promise<Response> =>
    view.fetch(`${calendar}/events`, { method: 'POST', body, headers: { 'content-type': 'application/json' } })

  const first = await add(ada)
  stage.expect('one call asks the user and adds the event', first.status, 201)
  stage.expect('which is the one that was sent', ((await first.json()) as typeof event).summary, event.summary)
  stage.expect('she was sent to the auth server on the way', stepsOf(first).includes('interact'), true)
  expectQuestion(stage, visits[0]?.asked)
  stage.expect('a request token came first, then a code', requestTypes(await stage.messages()), 'auth code')
  const facts = (await (await ada.fetch(`${calendar}/whoami`)).json()) as Facts
  expectFacts(stage, facts, sub)

  const second = await add(ada)
  stage.expect('a second call passes', second.status, 201)
  stage.expect('and she is not asked again', visits.map(({ user }) => user).join(' '), 'ada')

  const refused = await add(grace)
  stage.expect(
    'another user of the same agent is asked for herself',
    visits.map(({ user }) => user).join(' '),
    'ada grace',
  )
  stage.expect('she refuses, and the call ends with the challenge', refused.status, 401)
  stage.expect('the agent knows why', explain(refused).reason?.includes('the user said no'), true)
  const messages = await stage.messages()
  stage.expect('nothing was added for her', added(messages), 2)
  stage.expect('and no code was redeemed', requestTypes(messages), 'auth code auth')

  const third = await add(ada)
  stage.expect('the consent of the first user still holds', third.status, 201)
  const same = (await (await ada.fetch(`${calendar}/whoami`)).json()) as Facts
  stage.expect('for the same user as before', same.user?.sub, facts.user?.sub)
}

function expectQuestion(stage: Stage, asked: Asked | undefined): void {
  const { agentServer, calendar } = stage.participants.addresses
  const hosts = [agentServer, calendar].map(id => new URL(id).host)
  stage.expect('she saw who asks for what', asked?.heading, hosts.join(' asks for your access to '))
  stage.expect('in the calendar’s own words', asked?.choices.join(', '), 'Add events to your calendar')
}

function expectFacts(stage: Stage, facts: Facts, sub: string): void {
  const { agentServer, authServer } = stage.participants.addresses
  stage.expect('the calendar sees an authorized agent', facts.level, 'authorized')
  stage.expect('and which one', `${facts.agent} ${facts.delegate}`, `${agentServer} ${sub}`)
  stage.expect('with the scope she allowed', facts.scope.join(' '), 'events.write')
  stage.expect('for a user of this auth server', facts.user?.iss, authServer)
}

function added(messages: readonly TracedExchange[]): number {
  return messages.filter(({ request, response }) => request.target === '/events' && response.status === 201).length
}
