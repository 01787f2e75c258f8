/** The rows of the comparison, in the order of the table in docs/aauth-for-oauth-people.md. */
export type DimensionName =
  | 'registration'
  | 'client-authentication'
  | 'tokens'
  | 'discovery'
  | 'consent'
  | 'scopes'
  | 'chains'
  | 'revocation'
  | 'replay'

/** The progress of a play. */
export interface BesideEvent {
  readonly type: 'beside'
  readonly dimension: DimensionName
  readonly state: 'playing' | 'ended'
  /** The column and step that is being played. */
  readonly column?: string
  readonly doing?: string
}
