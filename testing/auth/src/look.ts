import { brandOf, type Look } from '@countersign/user-desk/internal'

/** A page in English, at an address of its own. */
export const english: Look = { language: 'en', host: 'auth.example', brand: brandOf(), here: '/page?a=b' }

/** The same in German. */
export const german: Look = { ...english, language: 'de' }
