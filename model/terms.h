/*
 * What all models share. Each model is one program: a loop in which any participant may take a step.
 *
 * The attacker is the network. It delivers, withholds, repeats and alters every message, so an honest participant never sends to
 * another: it acts on what the attacker hands it. The attacker holds the keys of what it owns, and can make every term whose keys it
 * has. Signatures cannot be forged; secrets cannot be guessed.
 *
 * A protection is one check. Each has a number, and a comment: its clause in requirements/, the case of the attack that it stops, and
 * the property that breaks without it. `-DREMOVED=name` takes it away; `-DALSO=name` a second one. scripts/model.mjs does all that.
 */

#ifndef REMOVED
#define REMOVED 0
#endif
#ifndef ALSO
#define ALSO 0
#endif
#ifndef GOAL
#define GOAL 0
#endif
#ifndef ONLY
#define ONLY 0
#endif

/* What a participant checks: always true where the protection is removed. */
#define KEEP(protection, holds) (REMOVED == protection || ALSO == protection || (holds))

/* Whether a protection is removed: for steps that only its absence allows. */
#define AWAY(protection) (REMOVED == protection || ALSO == protection)

/* What must hold whenever a run comes here. `-DONLY=name` looks at this one alone. */
#define PROPERTY(name, holds) if :: (ONLY == 0 || ONLY == name) && !(holds) -> printf("BROKEN %e\n", name); assert(false) :: else fi

/* Where an honest run ends. `-DGOAL=n` asks for a run that gets there: a model in which none does proves nothing. */
#define COMPLETES(n) if :: GOAL == n -> printf("REACHED\n"); assert(false) :: else fi

/* One of several values, freely chosen: the attacker's choice, or an honest one that the model leaves open. */
#define CHOOSE2(variable, a, b) if :: variable = a :: variable = b fi
#define CHOOSE3(variable, a, b, c) if :: variable = a :: variable = b :: variable = c fi
