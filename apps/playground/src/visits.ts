import { setImmediate as turn } from 'node:timers/promises'
import type { Agent, View } from '@countersign/agent'
import type { StoryUser } from './story-user.js'

/** The visits of users that are under way. An agent may have its answer before its user's browser shows the last page. */
export interface Visits {
  /** The same user, whose visits are waited for. */
  user(user: StoryUser): StoryUser
  /** The same agent: its calls end once its users have seen the last page, so that a story knows what they were asked. */
  agent(agent: Agent): Agent
}

export function visitsUnderWay(): Visits {
  // bound: one call
  const underWay = new Set<Promise<unknown>>()
  const watched = <T>(visit: Promise<T>): Promise<T> => {
    underWay.add(visit)
    const over = (): void => void underWay.delete(visit)
    visit.then(over, over)
    return visit
  }
  const ended = async (): Promise<void> => {
    await Promise.allSettled([...underWay])
    // What the story does with it comes in the same turn.
    await turn()
  }
  const viewOf = (view: View): View => ({
    ...view,
    fetch: (...call) => view.fetch(...call).finally(ended),
    requestAccess: access => view.requestAccess(access).finally(ended),
  })
  return {
    user: user => ({
      ...user,
      decide: (...visit) => watched(user.decide(...visit)),
      typeIn: (...visit) => watched(user.typeIn(...visit)),
    }),
    agent: agent => ({ ...agent, ...viewOf(agent), forUser: user => viewOf(agent.forUser(user)) }),
  }
}
