import type { Stage } from '../stage.js'

/** One agent, four calls: each route asks for one level more than the one before. */
export async function climb(stage: Stage): Promise<void> {
  const { calendar, agentServer } = stage.participants.addresses
  const { code, sub } = await stage.invite()
  const agent = stage.delegate(code)
  const open = await agent.fetch(`${calendar}/public`)
  stage.expect('anonymous: the public dates are for anyone', open.status, 200)
  const feed = await agent.fetch(`${calendar}/feed`)
  stage.expect('pseudonymous: the feed wants a key that comes back', feed.status, 200)
  const agenda = await agent.fetch(`${calendar}/agenda`)
  stage.expect('identified: the agenda wants to know which agent', agenda.status, 200)
  stage.expect('and it does', ((await agenda.json()) as { readonly for: string }).for, agentServer)
  const events = await agent.fetch(`${calendar}/events`)
  stage.expect('authorized: the events want an auth token', events.status, 200)
  const facts = (await (await agent.fetch(`${calendar}/whoami`)).json()) as Facts
  stage.expect('which names the agent and its delegate', `${facts.agent} ${facts.delegate}`, `${agentServer} ${sub}`)
  stage.expect('and what it may do', facts.scope.join(' '), 'events.read')
}

interface Facts {
  readonly agent: string
  readonly delegate: string
  readonly scope: readonly string[]
}
