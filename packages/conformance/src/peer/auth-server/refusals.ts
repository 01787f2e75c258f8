import { type Refusing, refusing } from '../shared/refusal.js'

export const denied: Refusing = refusing(403, 'access_denied')
export const badResourceToken: Refusing = refusing(400, 'invalid_resource_token')
export const badScope: Refusing = refusing(400, 'invalid_scope')
export const notAllowed: Refusing = refusing(403, 'unauthorized_client')

/** Of a code, a refresh token or a request token: unknown, used, ended and another's are told alike. */
export const badGrant = (): ReturnType<Refusing> =>
  refusing(400, 'invalid_grant')('grant_invalid', 'the code or token is not one that this caller can use now')
