import type { Stage } from '../stage.js'

/** One instance of the agent enrols with a code that works once, and is known as itself. */
export async function delegate(stage: Stage): Promise<void> {
  const { calendar, agentServer } = stage.participants.addresses
  const { code, sub } = await stage.invite()
  const agent = stage.delegate(code)
  const agenda = await agent.fetch(`${calendar}/agenda`)
  stage.expect('a delegate with an agent token is identified', agenda.status, 200)
  const facts = (await (await agent.fetch(`${calendar}/whoami`)).json()) as {
    level: string
    agent: string
    delegate: string
  }
  stage.expect('the calendar knows the agent', facts.agent, agentServer)
  stage.expect('and which delegate it is', facts.delegate, sub)
  let second = 'enrolled'
  await stage
    .delegate(code)
    .fetch(`${calendar}/agenda`)
    .then(
      response => {
        second = `answered ${response.status}`
      },
      (error: { code?: string }) => {
        second = error.code ?? 'failed'
      },
    )
  stage.expect('the code does not work a second time', second, 'denied')
}
