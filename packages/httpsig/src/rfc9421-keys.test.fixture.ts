// RFC 9421 appendix B.1: "These keys MUST NOT be used for any purpose other than testing."

/** Appendix B.1.4, with its private part. */
export const ed25519 = {
  kty: 'OKP',
  crv: 'Ed25519',
  alg: 'Ed25519',
  x: 'JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs',
  d: 'n4Ni-HpISpVObnQMW0wOhCKROaIKqKtW_2ZYb2p9KcU',
} as const

/** Appendix B.1.3, its public part. */
export const p256 = {
  kty: 'EC',
  crv: 'P-256',
  alg: 'ES256',
  x: 'qIVYZVLCrPZHGHjP17CTW0_-D9Lfw0EkjqF7xB4FivA',
  y: 'Mc4nN9LTDOBhfoUeg8Ye9WedFRhnZXZJA12Qp0zZ6F0',
} as const
