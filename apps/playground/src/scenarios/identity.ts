import type { Stage } from '../stage.js'

/** A resource asks who is calling; the agent server answers with its published key. */
export async function identity(stage: Stage): Promise<void> {
  const { calendar, agentServer } = stage.participants.addresses
  const url = `${calendar}/agenda`
  const unsigned = await fetch(url)
  stage.expect('an unsigned request is challenged', unsigned.status, 401)
  stage.expect('and told what would be enough', unsigned.headers.get('agent-auth'), 'httpsig; identity=?1')
  const stranger = await stage.pseudonym().fetch(url)
  stage.expect('a pseudonym is not enough', stranger.status, 401)
  const agent = await stage.agentServer()
  const answer = await agent.fetch(url)
  stage.expect('the agent server’s own key is enough', answer.status, 200)
  const { for: known } = (await answer.json()) as { for: string }
  stage.expect('and the calendar knows which agent it answered', known, agentServer)
}
