import type { Stage } from '../stage.js'

/** Anonymous until the limit; then one signature by a fresh key, and the request passes. */
export async function rateLimit(stage: Stage): Promise<void> {
  const url = `${stage.participants.addresses.calendar}/public`
  let refused = await fetch(url)
  // Up to ten pass in a minute; fewer if this scenario was played just before.
  for (let i = 0; i < 10 && refused.status === 200; i++) refused = await fetch(url)
  stage.expect('unsigned requests over the limit are refused', refused.status, 429)
  stage.expect('the refusal says which level has a higher limit', refused.headers.get('agent-auth'), 'httpsig')
  const wait = Number(refused.headers.get('retry-after'))
  stage.expect('and when an unsigned one may come again', wait >= 1 && wait <= 60, true)
  const answer = await stage.pseudonym().fetch(url)
  stage.expect('one call of agent.fetch signs with a key of its own and passes', answer.status, 200)
  const { events } = (await answer.json()) as { events: number }
  stage.expect('and brings the calendar’s answer', events > 100, true)
}
