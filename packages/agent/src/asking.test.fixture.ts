import { AAuthError, errorResponse } from '@countersign/protocol'
import { calendar, type World } from './participants.test.fixture.js'

/** A resource that asks the user of every caller of `/events`, and the requests to its pages. */
export interface Asking {
  /** Questions that are still to be answered, by the path of their page. */
  readonly open: Set<string>
  /** Codes that were given out and did not come back. */
  readonly codes: Set<string>
  /** `Agent-Interaction` of each request to `/events`, as it came and where a signature covered it. */
  readonly carried: Array<string | undefined>
  /** How many questions it has before it is satisfied, for each call. */
  questions: number
  /** What stands in the challenge after the page's URL. */
  suffix: string
  /** A user whose browser opens a URL, and says yes or no; where it is sent then. */
  visit(url: string, error?: string): URL
}

/** Makes the calendar of a world ask the users of those that it would let in. */
export function asking(own: World, questions = 1): Asking {
  const asks: Asking = {
    open: new Set(),
    codes: new Set(),
    carried: [],
    questions,
    suffix: '',
    visit(url, error) {
      const { origin, pathname, searchParams } = new URL(url)
      const [back, state] = [searchParams.getAll('return_url'), searchParams.getAll('state')]
      if (origin !== calendar || !asks.open.delete(pathname) || back.length !== 1 || state.length !== 1)
        throw new Error('an error page')
      const answer = new URL(String(back[0]))
      if (error === undefined) {
        const code = `code-${crypto.randomUUID()}`
        asks.codes.add(code)
        answer.searchParams.set('interaction', code)
      } else answer.searchParams.set('error', error)
      answer.searchParams.set('state', String(state[0]))
      return answer
    },
  }
  let answered = 0
  own.network.intercept(calendar, async (exchange, next) => {
    const response = await next(exchange)
    if (exchange.target !== '/events' || response.status !== 200) return response
    const header = exchange.header('agent-interaction')
    const isCovered = exchange.header('signature-input')?.includes('"agent-interaction"') === true
    asks.carried.push(isCovered ? header : undefined)
    if (header !== undefined) {
      if (!isCovered || !asks.codes.delete(header.slice(1, -1)))
        return errorResponse(new AAuthError('invalid_grant', 'wrong or used', { reason: 'grant_invalid' }))
      answered += 1
    }
    if (answered >= asks.questions) {
      answered = 0
      return response
    }
    const page = `/interact/${crypto.randomUUID()}`
    asks.open.add(page)
    return errorResponse(new AAuthError('interaction_required', 'the user is needed', { reason: 'user_needed' }), {
      agentAuth: { userInteraction: `${calendar}${page}${asks.suffix}` },
    })
  })
  return asks
}
