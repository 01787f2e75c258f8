import {
  type StructuredFieldType,
  type StructuredFieldTypes,
  signingFieldType,
  structuredFieldType,
} from './structured-field-type.js'

/** Which parts of RFC 9421 §2 a signature may use. */
export interface ComponentProfile {
  /** Whether responses can be signed: `@status`, and with `req` components of the request they respond to. */
  readonly responses: boolean
  /** Whether `checkTarget` has checked method and target. If not, derived values are checked here: a line break would forge a line of the base. */
  readonly checkedTarget: boolean
  /** The type of a field that may be covered with `sf`; undefined for other fields. */
  fieldType(name: string): StructuredFieldType | undefined
  /** Whether `sf` is allowed together with `key`; it does not change the value. */
  readonly sfBesideKey: boolean
  /** Whether `sf` may cover a Dictionary without members. */
  readonly emptyDictionary: boolean
  /** Whether `bs` may cover bytes beyond ASCII. */
  readonly binaryFields: boolean
  /** The value of `@query` of a target without `?`; undefined when there is none. */
  readonly absentQuery: string | undefined
}

/**
 * What AAuth allows: components of a request, each with at most one parameter.
 * @see protocol §3.3, §3.4
 */
export const aauthProfile: ComponentProfile = {
  responses: false,
  checkedTarget: true,
  fieldType: signingFieldType,
  sfBesideKey: false,
  emptyDictionary: false,
  binaryFields: false,
  absentQuery: undefined,
}

const wholeProfile: ComponentProfile = {
  responses: true,
  checkedTarget: false,
  fieldType: name => structuredFieldType(name),
  sfBesideKey: true,
  emptyDictionary: true,
  binaryFields: true,
  // "If the query string is absent from the request message, the component value is the leading ? character alone" (§2.2.7).
  absentQuery: '?',
}

/**
 * Everything that RFC 9421 allows, except trailers.
 * @param types types of fields that may be covered with `sf` and are not in the registry of this package
 */
export function messageProfile(types?: StructuredFieldTypes): ComponentProfile {
  return types === undefined ? wholeProfile : { ...wholeProfile, fieldType: name => structuredFieldType(name, types) }
}
