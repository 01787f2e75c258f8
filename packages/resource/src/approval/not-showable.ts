/**
 * A request that a user cannot be shown whole. The message says why, in constant words or those of the operator: it goes to the caller.
 * @see protocol §9.4
 */
export class NotShowable extends TypeError {
  override readonly name = 'NotShowable'
}
