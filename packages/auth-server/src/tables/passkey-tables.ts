/** A passkey of a user. Times are Unix seconds. */
export interface PasskeyRow {
  /** base64url. */
  credential_id: string
  sub: string
  /** COSE key, base64url. */
  public_key: string
  /** The authenticator's count of signatures; 0 where it does not count. */
  count: number
  /** The user's name for it. */
  name: string
  /** 1 where copies of it are on other devices. */
  backed_up: number
  created: number
  last_used: number
}

/** A challenge that was answered. Times are Unix seconds. */
export interface UsedChallengeRow {
  name: string
  expires: number
}

/** A secret of this auth server, the same at all instances. */
export interface SecretRow {
  name: string
  value: string
}

/** The tables of passkeys. */
export interface PasskeyTables {
  auth_server_passkeys: PasskeyRow
  auth_server_used_challenges: UsedChallengeRow
  auth_server_secrets: SecretRow
}
