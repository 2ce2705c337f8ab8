"""Published data sets and fits that the mixed model is held against.

CBPP: contagious bovine pleuropneumonia in 15 herds (Lesnoff et al. 2004), as lme4 has it: herd, sick, size,
period, row by row. Its fit is the first example of lme4's glmer, printed to seven digits by broom's issue 126.

VERBAGG_FIT: the example of MixedModels.jl's manual, on the answers of `published/verbal_aggression_answers.txt`.

SALAMANDER_FIT: lme4's glmer with a probit link, printed to four digits by the examples of Christoffersen's R package
mixprobit (`examples/salamander.md`), on the matings of `published/salamanders.txt`.
"""

CBPP = """
1,2,14,1 1,3,12,2 1,4,9,3 1,0,5,4 2,3,22,1 2,1,18,2 2,1,21,3 3,8,22,1 3,2,16,2 3,0,16,3 3,2,20,4 4,2,10,1 4,0,10,2
4,2,9,3 4,0,6,4 5,5,18,1 5,0,25,2 5,0,24,3 5,1,4,4 6,3,17,1 6,0,17,2 6,0,18,3 6,1,20,4 7,8,16,1 7,1,10,2 7,3,9,3
7,0,5,4 8,12,34,1 9,2,9,1 9,0,6,2 9,0,8,3 9,0,6,4 10,1,22,1 10,1,22,2 10,0,18,3 10,2,22,4 11,0,25,1 11,5,27,2
11,3,22,3 11,1,22,4 12,2,10,1 12,1,8,2 12,0,6,3 12,0,5,4 13,1,21,1 13,2,24,2 13,0,19,3 13,0,23,4 14,11,19,1 14,0,2,2
14,0,3,3 14,0,2,4 15,1,19,1 15,1,15,2 15,1,15,3 15,0,15,4
"""
CBPP_FIT = {
    "coefficients": (-1.3983429, -0.9919250, -1.1282162, -1.5797454),  # period 1, and the others against it
    "errors": (0.2312140, 0.3031506, 0.3228301, 0.4220492),
    "herd_sd": 0.6420699,
    "log_likelihood": -92.02657,
}

# r2 ~ 1 + anger + gender + btype + situ + mode + (1 | person) + (1 | item)
VERBAGG_FIT = {
    "coefficients": (-0.152977, 0.0573961, 0.320783, -1.05988, -2.10389, -1.05438, 0.706981),
    "errors": (0.385222, 0.0167528, 0.191207, 0.184159, 0.186517, 0.151194, 0.151007),
    "person_sd": 1.339212,
    "item_sd": 0.342271,
    "log_likelihood": -4067.9164,
}

# mated ~ whiteside male * whiteside female + (1 | female) + (1 | male)
SALAMANDER_FIT = {
    "coefficients": (0.601, -0.419, -1.731, 2.140),
    "female_sd": 0.626,
    "male_sd": 0.576,
    "log_likelihood": -210.1,
}
