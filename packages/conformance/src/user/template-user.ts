import type { TemplateUser } from '../config/user-configuration.js'
import { accountOf, fillErrand, skillsIn, timeFor } from './errand-words.js'
import { longestPage, type User } from './user.js'

/** A user of a test server: it decides when its URL is fetched, and may answer with the page on which it did. */
export function templateUser({ template, deadline, ...pages }: TemplateUser): User {
  return {
    ...skillsIn(template),
    opensTabs: false,
    ...accountOf(pages),
    async act(errand) {
      const url = fillErrand(template, errand, encodeURIComponent)
      try {
        const response = await fetch(url, { signal: AbortSignal.timeout(timeFor(errand, deadline)) })
        const text = (await response.text()).slice(0, longestPage)
        return {
          succeeded: response.ok,
          detail: `the template answered ${response.status}`,
          page: text === '' ? undefined : text,
        }
      } catch (error) {
        return {
          succeeded: false,
          detail: `the template did not answer: ${error instanceof Error ? error.message : ''}`,
        }
      }
    },
    close: async () => undefined,
  }
}
