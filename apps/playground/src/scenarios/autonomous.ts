import type { Stage } from '../stage.js'

/** No user is needed: policy grants the agent access, and every request is signed. */
export async function autonomous(stage: Stage): Promise<void> {
  const { calendar, authServer } = stage.participants.addresses
  const url = `${calendar}/events`
  for (const agent of [await stage.agentServer(), stage.delegate((await stage.invite()).code)]) {
    const answer = await agent.fetch(url)
    stage.expect('one call goes from unsigned to authorized', answer.status, 200)
    const { events } = (await answer.json()) as { events: unknown[] }
    stage.expect('the events are there', events.length > 200, true)
    const facts = (await (await agent.fetch(`${calendar}/whoami`)).json()) as { level: string; scope: string[] }
    stage.expect('the calendar sees the granted scope', facts.scope.join(' '), 'events.read')
  }
  const ahead = stage.delegate((await stage.invite()).code)
  await ahead.requestAccess({ resource: calendar, scope: 'events.read', authServer })
  // bound: one call
  const calls: number[] = []
  const stop = stage.participants.listen(({ to, request }) => {
    if (to === calendar && request.target === '/events') calls.push(1)
  })
  const answer = await ahead.fetch(url)
  stop()
  stage.expect('an agent that asked before it called is not challenged', answer.status, 200)
  const denied = await ahead.fetch(url, { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } })
  stage.expect('a call that needs the consent of a user is refused without one', denied.status, 403)
}
