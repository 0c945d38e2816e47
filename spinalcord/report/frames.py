"""Tables of a cohort as DataFrames, beyond those that `Cohort` itself spells out."""

from __future__ import annotations

from typing import Any

from .table import Table


class Frames:
    """Methods that give tables as DataFrames; `Cohort` adds what they are made from."""

    def table(self, name: str) -> Table:
        """Return one table, without pandas; see `Cohort.table`.

        Raises
        ------
        NotImplementedError
            In this class itself.
        """
        raise NotImplementedError(name)

    def characteristics(self) -> Any:
        """Median and quartiles, categories and standardised differences, by diagnosis.

        Returns
        -------
        pandas.DataFrame

        Raises
        ------
        ImportError
            Without pandas, or SciPy.
        InputError
            A column of `describe` is missing, or has too many different words.
        """
        return self.table("characteristics").frame()

    def operating(self) -> Any:
        """Partial AUC, sensitivity and specificity at a fixed value of the other, odds ratios.

        Returns
        -------
        pandas.DataFrame

        Raises
        ------
        ImportError
            Without pandas, or SciPy.
        InputError
            As `table2`.
        """
        return self.table("operating").frame()

    def scans(self) -> Any:
        """Figures of all scans, several of a patient not taken as independent.

        Returns
        -------
        pandas.DataFrame

        Raises
        ------
        ImportError
            Without pandas, or SciPy.
        InputError
            Every patient has one scan; or as `table2`.
        """
        return self.table("scans").frame()

    def reader_group(self) -> Any:
        """Compare the model with the readers as a random group (Obuchowski-Rockette).

        Returns
        -------
        pandas.DataFrame

        Raises
        ------
        ImportError
            Without pandas, or SciPy.
        InputError
            Fewer than two readers; or as `table2`.
        """
        return self.table("reader_group").frame()

    def paired(self) -> Any:
        """Paired sensitivity, specificity and predictive values of model and each reader.

        Returns
        -------
        pandas.DataFrame

        Raises
        ------
        ImportError
            Without pandas, or SciPy.
        InputError
            No readers; or as `table2`.
        """
        return self.table("paired").frame()

    def adjusted(self) -> Any:
        """Odds ratios of a right answer by factor, each adjusted for the others.

        Returns
        -------
        pandas.DataFrame

        Raises
        ------
        ImportError
            Without pandas, or SciPy.
        InputError
            No factor; or as `table2`.
        """
        return self.table("adjusted").frame()

    def interactions(self) -> Any:
        """Whether the probabilities tell the classes apart as well in all subgroups, adjusted.

        Returns
        -------
        pandas.DataFrame

        Raises
        ------
        ImportError
            Without pandas, or SciPy.
        InputError
            No factor, or no probability; or as `table2`.
        """
        return self.table("interactions").frame()

    def benefit(self) -> Any:
        """Net benefit at some threshold probabilities, with intervals.

        Returns
        -------
        pandas.DataFrame

        Raises
        ------
        ImportError
            Without pandas, or SciPy.
        InputError
            No case has a reference and a probability.
        """
        return self.table("benefit").frame()

    def volumes(self) -> Any:
        """Lesion volumes against the reference: Bland-Altman and ICC.

        Returns
        -------
        pandas.DataFrame

        Raises
        ------
        ImportError
            Without pandas, or SciPy.
        InputError
            Fewer than three cases with both volumes.
        """
        return self.table("volumes").frame()

    def planning(self) -> Any:
        """Patients that a next study of the same tasks would need.

        Returns
        -------
        pandas.DataFrame

        Raises
        ------
        ImportError
            Without pandas, or SciPy.
        InputError
            As `table2`.
        """
        return self.table("planning").frame()
