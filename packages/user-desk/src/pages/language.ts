import { headerValues, type ReceivedMessage } from '@countersign/httpsig'
import { de } from './messages/de.js'
import { en, type Messages } from './messages/en.js'
import { refusalInGerman } from './messages/refusals-de.js'
import { refusalsEn, refusalText, type ShownRefusal } from './messages/refusals-en.js'

/** A language that pages speak. */
export type Language = 'en' | 'de'

/** What there is of one language. */
export interface LanguageTexts {
  /** Its own name, for the link to it. */
  readonly name: string
  readonly messages: Messages
  /** Says why something was refused. */
  readonly refusal: (error: ShownRefusal) => string
}

/** The languages, the default one first. */
export const languages: Readonly<Record<Language, LanguageTexts>> = {
  en: { name: 'English', messages: en, refusal: refusal => refusalText(refusalsEn, refusal) ?? refusal.description },
  de: { name: 'Deutsch', messages: de, refusal: refusalInGerman },
}

/** Their names. */
export const languageNames = Object.keys(languages) as readonly Language[]

/** Characters of `Accept-Language` that are read; a browser's has under a hundred. */
const longestHeader = 1024

/** The messages of the language that a page is in. */
export function messagesOf({ language }: { readonly language: Language }): Messages {
  return languages[language].messages
}

/** Tells whether pages speak a language. */
export function isLanguage(text: string | null | undefined): text is Language {
  return languageNames.some(name => name === text)
}

/** The language that a browser prefers among ours, by `Accept-Language`; English where it names none. */
export function acceptedLanguage(message: Pick<ReceivedMessage, 'headers'>): Language {
  const header = headerValues(message, 'accept-language').join(',')
  const ranges = header.length > longestHeader ? [] : header.split(',').map(rangeOf)
  const others = languageNames.filter(name => !ranges.some(({ language }) => language === name))
  const wanted = ranges.flatMap(({ language, weight }) => {
    const meant = language === '*' ? others : isLanguage(language) ? [language] : []
    return weight === 0 ? [] : meant.map(name => ({ name, weight }))
  })
  // Of equal weights the first stays first.
  return wanted.toSorted((a, b) => b.weight - a.weight)[0]?.name ?? 'en'
}

interface Range {
  /** The first part of the language tag, or `*`. */
  readonly language: string
  readonly weight: number
}

/** One element of the list, such as `de-AT;q=0.8`. A malformed weight counts as none: the element is not wanted. */
function rangeOf(text: string): Range {
  const [tag = '', ...parameters] = text.split(';').map(part => part.trim().toLowerCase())
  const [language = ''] = tag.split('-', 1)
  const [parameter, more] = parameters
  if (parameter === undefined) return { language, weight: 1 }
  const weight = more === undefined ? /^q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.exec(parameter)?.[1] : undefined
  return { language, weight: Number(weight ?? 0) }
}
