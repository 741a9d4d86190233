"""The columns of UCI Adult."""

# In the order of the official files.
COLUMNS = (
    "age",
    "workclass",
    "fnlwgt",
    "education",
    "education_num",
    "marital_status",
    "occupation",
    "relationship",
    "race",
    "sex",
    "capital_gain",
    "capital_loss",
    "hours_per_week",
    "native_country",
    "income",
)
# In years, years, dollars, dollars, hours.
NUMERIC = ("age", "education_num", "capital_gain", "capital_loss", "hours_per_week")
CATEGORICAL = (
    "workclass",
    "marital_status",
    "occupation",
    "relationship",
    "native_country",
)
GROUPS = {
    "sex": ("Female", "Male"),
    "race": (
        "Amer-Indian-Eskimo",
        "Asian-Pac-Islander",
        "Black",
        "Other",
        "White",
    ),
}
INCOMES = ("<=50K", ">50K")
