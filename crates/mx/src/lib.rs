//! What Mexico says, as pure tables and functions: CURP, NSS, CLUES, cédula, states, medicine groups, vaccination schedule.
