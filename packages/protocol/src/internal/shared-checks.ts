import { type OptionCheck, wrongOption } from './check-options.js'

/** `any`, a function or a list. `checkIdentifierList` checks its entries. */
export const identifiersCheck: OptionCheck = (value, place) => {
  if (value !== 'any' && typeof value !== 'function' && !Array.isArray(value))
    throw wrongOption(place, "an array of identifiers, 'any' or a function")
}

/** `*` or a list. `createCors` checks its entries. */
export const corsCheck: OptionCheck = (value, place) => {
  if (value !== '*' && !Array.isArray(value)) throw wrongOption(place, "'*' or an array of origins")
}

/** A number of hops or a list. `clientOf` checks its entries. */
export const proxiesCheck: OptionCheck = (value, place) => {
  if (typeof value !== 'number' && !Array.isArray(value))
    throw wrongOption(place, 'a number of hops or an array of addresses')
}
