import type { ReceivedMessage } from '@countersign/httpsig'
import { pathOf, queryOf } from '@countersign/httpsig/internal'
import { authorityOf } from '@countersign/protocol'
import { cookiesOf, refusal, seeOther } from '@countersign/protocol/internal'
import type { Brand } from './brand.js'
import { acceptedLanguage, isLanguage, type Language } from './language.js'
import { isReturnPath } from './return-path.js'

/** How a page looks in the browser that asked for it. */
export interface Look {
  readonly language: Language
  /** This auth server: host and port. */
  readonly host: string
  readonly brand: Brand
  /** For error pages: the path of this server that shows this one again. Absent where none does. */
  readonly here?: string | undefined
}

/** Finds how pages look. */
export interface Looks {
  of(message: ReceivedMessage): Look
  /** Keeps the language that a user chose, and goes back to the page. @throws AAuthError for a link that no page has */
  choose(message: ReceivedMessage): Response
}

/** Where users choose a language. */
export const languagePath = '/language'
const cookie = 'lang'
const keptFor = 365 * 86_400

/** Paths whose query says nothing, or whose forms have a page of another path. */
const pageOf: Readonly<Record<string, string>> = {
  '/account': '/account',
  '/account/take-back': '/account',
  '/device': '/device',
  '/logout': '/logout',
}

/** The looks of one auth server's pages. A language that was chosen by hand comes before what the browser prefers. */
export function createLooks(issuer: string, brand: Brand): Looks {
  const cookies = cookiesOf(issuer)
  const host = authorityOf(issuer)
  return {
    of(message) {
      const chosen = cookies.read(message, cookie)
      const language = isLanguage(chosen) ? chosen : acceptedLanguage(message)
      return { language, host, brand, here: hereOf(message) }
    },
    choose(message) {
      const query = new URLSearchParams(queryOf(message.target))
      const [to, returnTo] = [query.get('to'), query.get('return_to') ?? '']
      // Open redirect: only paths of this server are followed.
      if (!isLanguage(to) || !isReturnPath(returnTo))
        throw refusal('parameter_malformed', { about: 'return_to must be a path of this server' })
      return seeOther(returnTo, [cookies.write(cookie, to, keptFor)])
    },
  }
}

/** The path of the link to a page in a language. */
export function languageLink(to: Language, returnTo: string): string {
  return `${languagePath}?${new URLSearchParams({ to, return_to: returnTo })}`
}

/** The address of a page, if a second visit shows it again: the answer of a sign-in counts once. */
function hereOf({ method, target }: ReceivedMessage): string | undefined {
  const path = pathOf(target)
  if (Object.hasOwn(pageOf, path)) return pageOf[path]
  if (method !== 'GET' && method !== 'HEAD') return undefined
  const isOnce = path === languagePath || path === '/link/callback' || path.startsWith('/login/callback/')
  return isOnce || !isReturnPath(target) ? undefined : target
}
